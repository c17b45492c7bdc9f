import { signatureBytes, signatureOf } from './signature.ts';

/** What the first bytes of a file show. */
export interface Identity {
  /** Completes "NAME is …". */
  what: string;
  /** The framework that serves it; absent when none does as it is. */
  framework?: string;
}

/** Formats that people give the name of another one, by their first bytes (latin1). */
const magics: readonly (Identity & { starts: (head: string) => boolean })[] = [
  { what: 'a web page', starts: (head) => /^\s*<(!doctype html|html[\s>])/i.test(head) },
  {
    what: 'a PMML model',
    framework: 'pmml',
    starts: (head) => /^\s*(<\?xml[^>]*>\s*)?<PMML[\s>]/.test(head),
  },
  // The operation PROTO and a version (pickletools); pickles of version 0 and 1 have no mark.
  {
    what: 'a pickle',
    framework: 'sklearn',
    starts: (head) => head[0] === '\x80' && '\x02\x03\x04\x05'.includes(head[1] ?? '-'),
  },
  { what: 'a CatBoost model', framework: 'catboost', starts: (head) => head.startsWith('CBM1') },
  { what: 'a GGUF model', framework: 'gguf', starts: (head) => head.startsWith('GGUF') },
  { what: 'an HDF5 file, as Keras writes', starts: (head) => head.startsWith('\x89HDF\r\n') },
  {
    what: 'a ZIP archive, as PyTorch, Keras and skops write',
    starts: (head) => head.startsWith('PK\x03\x04'),
  },
  // The header's length as 64 bits, little-endian, then the header in JSON.
  {
    what: 'a safetensors file',
    framework: 'vllm',
    starts: (head) => head.slice(5, 10) === '\0\0\0{"',
  },
];

/** What a file is by its first `signatureBytes`; undefined when they do not say. Never unpickles. */
export function identify(head: Uint8Array): Identity | undefined {
  const program = signatureOf(head);
  if (program === 'lightgbm') return { what: 'a LightGBM model', framework: program };
  if (program === 'xgboost') return { what: 'an XGBoost model', framework: program };
  const text = Buffer.from(head.subarray(0, signatureBytes)).toString('latin1');
  const found = magics.find(({ starts }) => starts(text));
  if (found === undefined) return undefined;
  const { what, framework } = found;
  return framework === undefined ? { what } : { what, framework };
}
