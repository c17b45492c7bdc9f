/** Tars built by hand from the specifications, so that a test can set every byte. */

/** A tar member as it will appear in the header. */
export interface Spec {
  name: string;
  type?: string;
  mode?: number;
  uid?: number;
  gid?: number;
  mtime?: number;
  uname?: string;
  link?: string;
  content?: Uint8Array | string;
  /** Changes the header block before its checksum is computed. */
  edit?(block: Buffer): void;
  /** Bytes before the header: a PAX header. */
  before?: Uint8Array;
  /** The byte that fills the last block of content. */
  fill?: number;
}

/** Header and content of one member: GNU format (GNU tar manual, "Basic Tar Format"), a name over 100 bytes as a long link. */
export function member(spec: Spec): Buffer {
  const { name, type = '0', mode = 0o444, uid = 1001, gid = 0, mtime = 0 } = spec;
  const content = Buffer.from(spec.content ?? '');
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`;
  const block = Buffer.alloc(512);
  Buffer.from(name).copy(block, 0, 0, 100);
  block.write(
    octal(mode, 7) + octal(uid, 7) + octal(gid, 7) + octal(content.length, 11) + octal(mtime, 11),
    100,
  );
  block.write(type, 156);
  block.write(spec.link ?? '', 157);
  block.write('ustar  \0', 257);
  block.write(spec.uname ?? '', 265);
  spec.edit?.(block);
  sign(block);
  const long = Buffer.from(`${name}\0`);
  const parts =
    long.length > 101 ? [member({ name: '././@LongLink', type: 'L', mode: 0, uid: 0, content: long })] : [];
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512, spec.fill ?? 0);
  return Buffer.concat([spec.before ?? Buffer.alloc(0), ...parts, block, content, padding]);
}

/** Sets a header block's checksum: the sum of its bytes, with its own eight counted as blanks. */
export function sign(block: Buffer): void {
  block.write(' '.repeat(8), 148);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
}

/** A PAX header for the next member (POSIX.1-2001). */
export function pax(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (`${length}${rest}`.length !== length) length++;
  return member({ name: 'PaxHeaders/x', type: 'x', mode: 0o644, content: `${length}${rest}` });
}

export function directory(name: string, spec: Partial<Spec> = {}): Spec {
  return { name, type: '5', mode: 0o555, ...spec };
}
