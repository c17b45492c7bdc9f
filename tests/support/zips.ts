/** ZIP archives written byte by byte (APPNOTE.TXT), as zipfile, numpy and PyTorch write them, and broken ones. */
import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipMemberDraft {
  name: string;
  bytes: Buffer;
  deflated?: boolean;
  /** Sizes follow the data, as PyTorch writes them. */
  described?: boolean;
  /** What the central directory says instead. */
  listed?: { name?: string; size?: number; offset?: number };
  /** Not in the central directory. */
  hidden?: boolean;
}

function numbers(...fields: [width: 2 | 4, value: number][]): Buffer {
  return Buffer.concat(
    fields.map(([width, value]) => {
      const bytes = Buffer.alloc(width);
      bytes.writeUIntLE(value, 0, width);
      return bytes;
    }),
  );
}

export function zipOf(...members: ZipMemberDraft[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  const add = (bytes: Buffer) => {
    parts.push(bytes);
    offset += bytes.length;
  };
  for (const { name, bytes, deflated = false, described = false, listed = {}, hidden = false } of members) {
    const data = deflated ? deflateRawSync(bytes) : bytes;
    const [flags, method, crc, at] = [described ? 8 : 0, deflated ? 8 : 0, crc32(bytes), offset];
    const sizes = (isKnown: boolean): [4, number][] =>
      isKnown
        ? [
            [4, crc],
            [4, data.length],
            [4, bytes.length],
          ]
        : [
            [4, 0],
            [4, 0],
            [4, 0],
          ];
    const start: [2, number][] = [
      [2, 20],
      [2, flags],
      [2, method],
      [2, 0],
      [2, 33],
    ];
    add(numbers([4, 0x0403_4b50], ...start, ...sizes(!described), [2, name.length], [2, 0]));
    add(Buffer.from(name));
    add(data);
    if (described) add(numbers([4, 0x0807_4b50], ...sizes(true)));
    const { name: said = name, size = data.length, offset: where = at } = listed;
    if (hidden) continue;
    directory.push(
      numbers(
        [4, 0x0201_4b50],
        [2, 20],
        ...start,
        [4, crc],
        [4, size],
        [4, bytes.length],
        [2, said.length],
        [2, 0],
        [2, 0],
        [2, 0],
        [2, 0],
        [4, 0],
        [4, where],
      ),
      Buffer.from(said),
    );
  }
  const listing = Buffer.concat(directory);
  const count = members.filter(({ hidden }) => hidden !== true).length;
  const end = numbers(
    [4, 0x0605_4b50],
    [2, 0],
    [2, 0],
    [2, count],
    [2, count],
    [4, listing.length],
    [4, offset],
    [2, 0],
  );
  return Buffer.concat([...parts, listing, end]);
}
