/** The fields of an RPM header that identify a package. */
export interface RpmHeader {
  name: string;
  version: string;
  release: string;
  epoch?: number;
  arch?: string;
  license?: string;
  /** File name of the source package: `bash-5.2.26-6.el10.src.rpm`. */
  sourcePackage?: string;
}

/** Tags and types of rpm's format (rpm.org/docs: tags, and the format of headers). */
const tags = {
  name: 1000,
  version: 1001,
  release: 1002,
  epoch: 1003,
  license: 1014,
  arch: 1022,
  source: 1044,
};
const types = { int32: 4, string: 6, i18n: 9 };
const entrySize = 16;

/**
 * Reads a header as rpm's database stores it: the number of index entries and of data bytes, both 32 bits big-endian,
 * then the entries (tag, type, offset, count) and the data. Throws an Error with the reason for anything else.
 */
export function readHeader(header: Uint8Array): RpmHeader {
  const bytes = Buffer.from(header.buffer, header.byteOffset, header.length);
  const entries = bytes.length < 8 ? 0 : bytes.readUInt32BE(0);
  const start = 8 + entries * entrySize;
  if (bytes.length < 8 || start + bytes.readUInt32BE(4) > bytes.length)
    throw new Error('a header of a package is truncated');
  const data = bytes.subarray(start, start + bytes.readUInt32BE(4));
  const found = new Map<number, { type: number; at: number }>();
  for (let at = 8; at < start; at += entrySize)
    found.set(bytes.readUInt32BE(at), { type: bytes.readUInt32BE(at + 4), at: bytes.readUInt32BE(at + 8) });
  const text = (tag: number): string | undefined => {
    const entry = found.get(tag);
    if (entry === undefined || (entry.type !== types.string && entry.type !== types.i18n)) return undefined;
    const end = data.indexOf(0, entry.at);
    return entry.at >= data.length || end === -1 ? undefined : data.toString('utf8', entry.at, end);
  };
  const epoch = found.get(tags.epoch);
  const hasEpoch = epoch?.type === types.int32 && epoch.at + 4 <= data.length;
  const [name, version, release] = [text(tags.name), text(tags.version), text(tags.release)];
  if (!name || !version || !release) throw new Error('a package has no name or no version');
  const [arch, license, sourcePackage] = [text(tags.arch), text(tags.license), text(tags.source)];
  return {
    name,
    version,
    release,
    ...(hasEpoch && { epoch: data.readUInt32BE(epoch.at) }),
    ...(arch && { arch }),
    ...(license && { license }),
    ...(sourcePackage && { sourcePackage }),
  };
}
