import { expect, test } from 'vitest';
import { mountsBelow } from './containerd.ts';

test('mounts below a folder come innermost first, and no others', () => {
  const mounts = [
    'overlay /tmp/node/mounts/a overlay ro 0 0',
    'tmpfs /tmp/node tmpfs rw 0 0',
    'tmpfs /tmp/node/mounts/a/b\\040c tmpfs rw 0 0',
    'tmpfs /tmp/node-2/mounts tmpfs rw 0 0',
    '',
  ];
  expect(mountsBelow('/tmp/node', mounts.join('\n'))).toEqual([
    '/tmp/node/mounts/a/b c',
    '/tmp/node/mounts/a',
  ]);
});
