import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Programs } from '../../../tests/support/fake-programs.ts';
import { bringCached, fullName } from './image-cache.ts';
import type { Kind } from './kind.ts';

let programs: Programs;
let warned: string[];
beforeEach(async () => {
  warned = [];
  programs = await Programs.open();
  // An engine with its images in the file `engine`, whose nodes have theirs in files of their names; no registry has
  // `withheld`.
  await programs.add(
    'docker',
    `touch engine
case "$1 $2" in
  'image inspect') grep -qx "$3" engine ;;
  'pull '*) case $2 in *withheld*) echo 'denied' >&2; exit 1 ;; esac; echo "$2" >> engine ;;
  'save '*) grep -qx "$2" engine && echo "archive of $2" && [ ! -e torn ] ;;
  'exec -i') cat >> "$3" ;;
  exec*) case "$*" in *uname*) echo aarch64 ;; *'images ls'*) grep -sF "$(echo "$9" | sed 's/name==docker.io.//')" "$2" || true ;; esac ;;
esac`,
  );
});
afterEach(() => programs[Symbol.asyncDispose]());

const kind = { engine: 'docker', nodes: async () => ['node1', 'node2'] } as unknown as Kind;
const bring = (...images: string[]) =>
  bringCached(kind, images, {
    signal: new AbortController().signal,
    say: () => undefined,
    warn: (line) => warned.push(line),
  });
const pulls = async () => (await programs.calls()).filter((call) => call.startsWith('docker pull'));

it('pulls into the engine and loads into every node', async () => {
  await bring('kserve/controller:v1', 'kserve/controller:v1');
  expect(await pulls()).toEqual(['docker pull kserve/controller:v1']);
  for (const node of ['node1', 'node2'])
    expect(await programs.read(node)).toBe('archive of kserve/controller:v1\n');
  // One platform, the node's: docker with containerd's image store saves the index of all, but the content of one.
  expect(await programs.calls()).toContain(
    'docker exec -i node2 ctr -n k8s.io images import --platform linux/arm64 -',
  );
  expect(warned).toEqual([]);
});

it('pulls again only a moving tag, not an image the engine has', async () => {
  await writeFile(join(programs.folder, 'engine'), 'a/b:v1\na/c\n');
  await bring('a/b:v1', 'a/c');
  expect(await pulls()).toEqual(['docker pull a/c']);
  expect(await programs.read('node1')).toContain('archive of a/b:v1');
});

it('loads an image only into nodes that lack it', async () => {
  await writeFile(join(programs.folder, 'node1'), 'a/b:v1\n');
  await bring('a/b:v1');
  expect(await programs.read('node1')).toBe('a/b:v1\n');
  expect(await programs.read('node2')).toBe('archive of a/b:v1\n');
});

it('pulls no image that every node has', async () => {
  for (const node of ['node1', 'node2']) await writeFile(join(programs.folder, node), 'a/b:v1\n');
  await bring('a/b:v1');
  expect(await pulls()).toEqual([]);
});

it('warns about an image that cannot be pulled or saved, and continues', async () => {
  await writeFile(join(programs.folder, 'torn'), '');
  await bring('a/withheld:v1', 'a/b:v1');
  await rm(join(programs.folder, 'torn'));
  await bring('a/c:v1', `a/d@sha256:${'0'.repeat(64)}`);
  expect(warned).toEqual([
    'cache image a/withheld:v1: denied; the node will pull it',
    expect.stringMatching(/^cache image a\/b:v1: .*; the node will pull it$/),
  ]);
  expect(await programs.read('node1')).toContain('archive of a/c:v1');
  expect(await pulls()).toHaveLength(3);
});

describe('fullName', () => {
  it.each([
    ['busybox', 'docker.io/library/busybox:latest'],
    ['kserve/agent:v0.20.0', 'docker.io/kserve/agent:v0.20.0'],
    ['localhost:5000/a', 'localhost:5000/a:latest'],
    ['nvcr.io/nvidia/tritonserver:23.05-py3', 'nvcr.io/nvidia/tritonserver:23.05-py3'],
  ])('of %s is %s', (image, expected) => {
    expect(fullName(image)).toBe(expected);
  });
});
