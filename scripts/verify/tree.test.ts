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

test('finds nothing through a loop of links', () => {
  const tree = treeOf(entry('a', 'symbolic link', 'b'), entry('b', 'symbolic link', 'a'));
  expect(tree.find('a')).toBeUndefined();
});

test('returns the path of a member behind links', () => {
  const tree = treeOf(entry('srv', 'symbolic link', 'usr/../models'));
  expect(tree.add(entry('srv/x'))).toBe('models/x');
  expect(tree.add(entry('etc/x'))).toBe('etc/x');
});

test('removes the path of a whiteout, and the earlier contents of an opaque folder', () => {
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

test('keeps the contents of a folder under a folder, not under a file or link', () => {
  const tree = treeOf(entry('a/x'), entry('b/x'), entry('c/x'));
  tree.add(entry('a', 'directory', '', 0o700));
  tree.add(entry('b', 'symbolic link', 'a'));
  tree.add(entry('c'));
  expect(tree.find('a')?.mode).toBe(0o700);
  expect(tree.find('b/x')?.type).toBe('file');
  expect(tree.find('c/x')).toBeUndefined();
});

test('treats a hard link as the file it names', () => {
  const tree = treeOf(entry('box', 'file', '', 0o711), entry('sh', 'hard link', 'box', 0o600));
  expect(tree.find('sh')).toMatchObject({ type: 'file', mode: 0o711 });
});

test('refuses more than a million entries, including implied folders', () => {
  const tree = new Tree();
  const add = () => {
    for (let at = 0; at < 600; at++) tree.add(entry(`${at}/${'x/'.repeat(2000)}`));
  };
  expect(add).toThrow('over 1000000 files');
});
