import { Unreadable } from '../../artifacts/source.ts';
import { GgufReader } from '../../formats/gguf.ts';
import { Inspector } from '../../formats/inspect.ts';
import { type JsonHandler, JsonScanner, NotJson } from '../../formats/json.ts';
import { besideOf } from '../../formats/names.ts';
import { OnnxReader } from '../../formats/onnx.ts';
import { type Finding, type FormatReader, quoted } from '../../formats/reader.ts';
import { SafetensorsReader } from '../../formats/safetensors.ts';
import type { ByteStream } from './byte-stream.ts';
import { find, type Place } from './place.ts';

/** Runs a reader that says itself which bytes it needs. */
async function inspect(stream: ByteStream, reader: FormatReader): Promise<Finding> {
  const inspector = new Inspector([reader]);
  while (inspector.wants !== Number.POSITIVE_INFINITY) {
    if (inspector.wants > stream.offset) await stream.skip(inspector.wants - stream.offset);
    const offset = stream.offset;
    const bytes = await stream.chunk(Number.POSITIVE_INFINITY);
    if (bytes === undefined) break;
    inspector.take(offset, bytes);
  }
  return inspector.end();
}

async function mustBeSound(stream: ByteStream, reader: FormatReader): Promise<Finding> {
  const finding = await inspect(stream, reader);
  if (finding.problem !== undefined) throw new Unreadable(finding.problem);
  return finding;
}

/** Header, shapes, and that tensors cover the whole file. Throws Unreadable. */
export async function checkSafetensors(stream: ByteStream, { size }: Place): Promise<void> {
  if (size !== undefined) await mustBeSound(stream, new SafetensorsReader(size));
}

/** The header. Throws Unreadable. */
export async function checkGguf(stream: ByteStream, { name, size }: Place): Promise<void> {
  if (size !== undefined) await mustBeSound(stream, new GgufReader(name, size));
}

/** Where the graph's external data is: an absolute path, or one with `..`, reads the server's own files. */
export async function checkOnnx(stream: ByteStream, { name, size }: Place): Promise<void> {
  if (size === undefined) return;
  const { needs = [] } = await mustBeSound(stream, new OnnxReader(size));
  const outside = needs.find((need) => besideOf(name, need.name) === undefined);
  if (outside !== undefined)
    throw new Unreadable(`names ${quoted(outside.name)}, which is outside its folder, as external data`);
}

/** Operations of TensorFlow that read or write the server's files, as NodeDef.op (graph.proto, field 2). */
const fileOperations = ['ReadFile', 'WriteFile', 'PyFunc', 'EagerPyFunc', 'PyFuncStateless', 'MatchingFiles'];

/** Operations that reach outside the graph, and Lambda layers of Keras, whose code is in keras_metadata.pb. */
export async function checkSavedModel(stream: ByteStream, { facts }: Place): Promise<void> {
  const needles = new Map(
    fileOperations.map((name) => [
      `\x12${String.fromCharCode(name.length)}${name}`,
      `has the operation ${name}`,
    ]),
  );
  needles.set('"class_name": "Lambda"', 'has a Lambda layer');
  for (const detail of await search(stream, needles)) facts.find('code', detail);
}

/** Which of some short texts occur in a stream. */
async function search(stream: ByteStream, needles: ReadonlyMap<string, string>): Promise<Set<string>> {
  const longest = Math.max(...[...needles.keys()].map(({ length }) => length));
  const found = new Set<string>();
  let tail: Buffer = Buffer.alloc(0);
  for (;;) {
    const bytes = await stream.chunk(Number.POSITIVE_INFINITY);
    if (bytes === undefined) return found;
    const seam = Buffer.concat([tail, bytes.subarray(0, longest)]);
    for (const [needle, detail] of needles)
      if (seam.includes(needle, 0, 'latin1') || bytes.includes(needle, 0, 'latin1')) found.add(detail);
    tail = Buffer.from(Buffer.concat([tail, bytes.subarray(-longest)]).subarray(-longest));
  }
}

/** A configuration of transformers: `auto_map` names classes in the model's own Python files. */
export function checkConfig(stream: ByteStream, place: Place): Promise<void> {
  return scanJson(stream, {
    key: (depth, key) => {
      if (depth === 1 && key === 'auto_map') find(place, 'code', 'names code of its own (`auto_map`)');
    },
    scalar: () => {},
  });
}

/** The configuration in an archive of Keras: layers that are code, and classes of modules other than Keras. */
export function checkKerasConfig(stream: ByteStream, place: Place): Promise<void> {
  let last = '';
  return scanJson(stream, {
    key: (_depth, key) => {
      last = key;
    },
    scalar: (_depth, text, kind) => {
      if (kind !== 'string') return;
      if (last === 'class_name' && /^(Lambda|function)$/.test(text))
        find(place, 'code', `has a layer ${quoted(text)}`);
      if (last === 'module' && !/^(keras|tf_keras|tensorflow\.keras)(\.|$)/.test(text))
        find(place, 'code', `takes a class from the module ${quoted(text)}`);
    },
  });
}

async function scanJson(stream: ByteStream, handler: Pick<JsonHandler, 'key' | 'scalar'>): Promise<void> {
  const scanner = new JsonScanner({ open: () => {}, close: () => {}, ...handler });
  try {
    for (let bytes = await stream.chunk(65_536); bytes !== undefined; bytes = await stream.chunk(65_536))
      scanner.push(bytes);
    scanner.end();
  } catch (error) {
    if (error instanceof NotJson) throw new Unreadable('is not JSON');
    throw error;
  }
}
