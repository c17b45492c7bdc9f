import { expect, test } from 'vitest';
import { cleanPath } from './paths.ts';
import type { Member } from './tar.ts';
import { Tree } from './tree.ts';

function entry(name: string, type = 'file', link = '', mode = 0o755): Member {
  const none = { uid: 0, gid: 0, size: 0, mtime: 0, uname: '', gname: '' };
  return { name, path: cleanPath(name), type, link, mode, ...none };
}

function treeOf(...members: Member[]): Tree {
  const tree = new Tree();
  for (const member of members) tree.add(member);
  return tree;
}

test('follows links of files and folders, relative, absolute and through ..', () => {
  const tree = treeOf(
    entry('bin', 'symbolic link', 'usr/bin'),
    entry('usr/bin/real'),
    entry('usr/bin/near', 'symbolic link', 'real'),
    entry('usr/bin/up', 'symbolic link', '../../bin/near'),
    entry('usr/bin/far', 'symbolic link', '/bin/up'),
    entry('usr/bin/out', 'symbolic link', '../../../../../usr/bin/real'),
  );
  for (const name of ['real', 'near', 'up', 'far', 'out']) {
    expect(tree.find(`/bin/${name}`)?.type, name).toBe('file');
  }
  expect(tree.find('/bin/none')).toBeUndefined();
  expect(tree.find('/usr/bin/real/x')).toBeUndefined();
});

test('gives up on loops', () => {
  const tree = treeOf(entry('a', 'symbolic link', 'b'), entry('b', 'symbolic link', 'a'));
  expect(tree.find('a')).toBeUndefined();
});

test('tells where a member comes to lie through links', () => {
  const tree = treeOf(entry('srv', 'symbolic link', 'usr/../models'));
  expect(tree.add(entry('srv/x'))).toBe('models/x');
  expect(tree.add(entry('etc/x'))).toBe('etc/x');
});

test('whiteouts take a path away, opaque ones what a folder held before', () => {
  const tree = treeOf(
    entry('a/b/c'),
    entry('a/d'),
    entry('a/.wh.d'),
    entry('a/b/.wh..wh..opq'),
    entry('a/b/e'),
  );
  expect(tree.find('a/d')).toBeUndefined();
  expect(tree.find('a/b/c')).toBeUndefined();
  expect(tree.find('a/b/e')?.type).toBe('file');
});

test('a folder over a folder keeps what it held; a file or link over a folder does not', () => {
  const tree = treeOf(entry('a/x'), entry('b/x'), entry('c/x'));
  tree.add(entry('a', 'directory', '', 0o700));
  tree.add(entry('b', 'symbolic link', 'a'));
  tree.add(entry('c'));
  expect(tree.find('a')?.mode).toBe(0o700);
  expect(tree.find('b/x')?.type).toBe('file');
  expect(tree.find('c/x')).toBeUndefined();
});

test('a hard link is the file it names', () => {
  const tree = treeOf(entry('box', 'file', '', 0o711), entry('sh', 'hard link', 'box', 0o600));
  expect(tree.find('sh')).toMatchObject({ type: 'file', mode: 0o711 });
});

test('holds a million entries and no more, those it makes up included', () => {
  const tree = new Tree();
  const add = () => {
    for (let at = 0; at < 600; at++) tree.add(entry(`${at}/${'x/'.repeat(2000)}`));
  };
  expect(add).toThrow('over 1000000 files');
});
