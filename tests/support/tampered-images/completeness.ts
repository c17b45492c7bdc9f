/** Tampered images that hold an incomplete model (scripts/verify/rules/completeness.ts). */
import { onnxWith, pointer, safetensors, safetensorsOf } from '../model-files.ts';
import { replaceFile, type Tampering } from './tampering.ts';

// biome-ignore format: a table
export const completeness: Tampering[] = [
  { rule: 'whole', change: 'a Git LFS pointer', message: /models\/model\.pkl: is a Git LFS pointer, not the file/, next: /run `modelcars lock --upgrade`/, ...replaceFile('model.pkl', pointer) },
  { rule: 'whole', change: 'a web page', message: /models\/model\.bin: is a web page, not the file/, ...replaceFile('model.bin', `<!doctype html>${' '.repeat(5000)}`) },
  { rule: 'whole', change: 'empty weights', message: /models\/model\.gguf: is empty/, ...replaceFile('model.gguf', '') },
  { rule: 'whole', change: 'nothing in the file that the server looks for', message: /models\/model\.xyz: is empty/, ...replaceFile('model.xyz', ''), options: { ...replaceFile('model.xyz', '').options, served: [{ anyOf: ['model.*'], why: 'it looks for no other' }] } },
  { rule: 'whole', change: 'truncated safetensors', message: /models\/x\.safetensors: is truncated: its tensors need 5000 bytes, its data has 4999/, ...replaceFile('x.safetensors', safetensors(Buffer.alloc(5000)).subarray(0, -1)) },
  { rule: 'whole', change: 'a hole in safetensors', message: /models\/x\.safetensors: is damaged: bytes 0 to 9 of its data belong to no tensor/, ...replaceFile('x.safetensors', safetensorsOf({}, 10)) },
  { rule: 'whole', change: 'a shard missing', message: /models\/m\.bin\.index\.json: names `m-1\.bin` as a shard, but the file is missing/, ...replaceFile('m.bin.index.json', '{"weight_map":{"a":"m-1.bin"}}') },
  { rule: 'whole', change: 'a part missing', message: /models\/m-00002-of-00002\.bin: is one of 2 parts, of which one is missing: m-00001-of-00002\.bin/, ...replaceFile('m-00002-of-00002.bin', 'weights') },
  { rule: 'whole', change: 'external data missing', message: /models\/m\.onnx: names `w\.data` as external data, but the file is missing/, ...replaceFile('m.onnx', onnxWith('w.data')) },
  { rule: 'whole', change: 'external data elsewhere', message: /models\/m\.onnx: names `\.\.\/etc\/passwd` as external data, which is outside/, ...replaceFile('m.onnx', onnxWith('../etc/passwd')) },
];
