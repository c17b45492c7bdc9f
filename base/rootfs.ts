import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pack } from 'tar-stream';
import { toolNames } from './platforms.ts';

/** A member of the layer; its name is relative to /, without "./". */
type Member = { name: string; mode: number } & (
  | { type: 'directory' }
  | { type: 'symlink'; linkname: string }
  | { type: 'file'; content: Uint8Array }
);

/** Files copied unchanged from base/rootfs. */
const texts = [
  'etc/group',
  'etc/passwd',
  'licenses/go.txt',
  'licenses/modelcars.txt',
  'licenses/mvdan-sh.txt',
];

/**
 * The whole file system of the image. Why each folder exists:
 * - proc, dev, sys: a runtime mounts over them; because they exist, a read-only root needs no change, and a plain
 *   chroot works;
 * - mnt: KServe mounts a volume here and links /mnt/models in it. Group 0 may write, as OpenShift requires of folders
 *   that a random uid uses, so the link succeeds without the volume too;
 * - tmp: for here-documents and programs that expect one; no home folder is needed;
 * - licenses: the notices that the licences of Go and mvdan.cc/sh require with a binary.
 */
async function members(source: string, binary: Uint8Array): Promise<Member[]> {
  const files = texts.map(async (name): Promise<Member> => {
    return { name, mode: 0o644, type: 'file', content: await readFile(join(source, 'rootfs', name)) };
  });
  const folder = (name: string, mode: number): Member => ({ name, mode, type: 'directory' });
  const all: Member[] = [
    ...['bin', 'dev', 'etc', 'licenses'].map((name) => folder(name, 0o755)),
    ...['proc', 'sys'].map((name) => folder(name, 0o555)),
    folder('mnt', 0o775),
    folder('tmp', 0o1777),
    { name: 'bin/sh', mode: 0o755, type: 'file', content: binary },
    ...toolNames.map((tool): Member => {
      return { name: `bin/${tool}`, mode: 0o777, type: 'symlink', linkname: 'sh' };
    }),
    ...(await Promise.all(files)),
  ];
  return all.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * The tar of the image's one layer: members sorted by name, owner 0:0 without names, mtime 0. All names are short
 * ASCII, so the headers are plain ones that every tar reads.
 */
export async function rootfsTar(source: string, binary: Uint8Array): Promise<Uint8Array> {
  const tar = pack();
  for (const member of await members(source, binary)) {
    const { name, mode, type } = member;
    const header = { name, mode, type, uid: 0, gid: 0, uname: '', gname: '', mtime: new Date(0) };
    if (member.type === 'file') tar.entry(header, Buffer.from(member.content));
    else if (member.type === 'symlink') tar.entry({ ...header, linkname: member.linkname });
    else tar.entry(header);
  }
  tar.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of tar as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
