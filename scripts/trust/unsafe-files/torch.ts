import { Global, itemsOf, type Value } from '../../artifacts/pickle/values.ts';

/** Bytes of an element, by the type of its storage (torch/storage.py). */
const widths: Readonly<Record<string, number>> = {
  ...Object.fromEntries(
    ['Byte', 'Char', 'Bool', 'QInt8', 'QUInt8', 'QUInt4x2', 'QUInt2x4', 'Untyped'].map((type) => [
      `${type}Storage`,
      1,
    ]),
  ),
  ...Object.fromEntries(['Short', 'Half', 'BFloat16'].map((type) => [`${type}Storage`, 2])),
  ...Object.fromEntries(['Int', 'Float', 'QInt32'].map((type) => [`${type}Storage`, 4])),
  ...Object.fromEntries(['Long', 'Double', 'ComplexFloat'].map((type) => [`${type}Storage`, 8])),
  ComplexDoubleStorage: 16,
};
const mostNoted = 100_000;

/** The storages that the persistent IDs of a checkpoint name: where they are, and how long. */
export interface TorchStorages {
  note(id: Value): void;
  /** Bytes of an element of a storage; undefined for one that was not named. */
  elementSize(key: string): number | undefined;
  /** Takes a member's name before its content: how to take persistent IDs, if the member is a checkpoint's pickle. */
  begin(name: string): ((id: Value) => void) | undefined;
  /** Whether a member holds the numbers of a storage, which PyTorch never unpickles. */
  isStorage(name: string): boolean;
  /** Bytes of a member that holds a storage. */
  expects(name: string): number | undefined;
}

export function torchStorages(): TorchStorages {
  const noted = new Map<string, { width: number; bytes: number }>();
  let root: string | undefined;
  const keyOf = (name: string) => {
    const start = `${root}/data/`;
    return root !== undefined && name.startsWith(start) ? name.slice(start.length) : undefined;
  };
  const note = (id: Value) => {
    const [tag, type, key, , count] = itemsOf(id);
    const width = type instanceof Global ? widths[type.name] : undefined;
    if (tag !== 'storage' || typeof key !== 'string' || width === undefined || noted.size >= mostNoted)
      return;
    noted.set(key, { width, bytes: typeof count === 'number' ? width * count : 0 });
  };
  return {
    note,
    elementSize: (key) => noted.get(key)?.width,
    begin(name) {
      const folder = /^([^/]+)\/(data|constants)\.pkl$/.exec(name)?.[1];
      if (folder === undefined || (root !== undefined && root !== folder)) return undefined;
      root = folder;
      return note;
    },
    isStorage: (name) => /^\d+$/.test(keyOf(name) ?? ''),
    expects: (name) => noted.get(keyOf(name) ?? '')?.bytes,
  };
}
