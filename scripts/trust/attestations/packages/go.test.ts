import { describe, expect, test } from 'vitest';
import { GoBuildFinder, goPackages } from './go.ts';

/** What Go's linker writes (cmd/link/internal/ld/data.go, `buildinfo`), for these strings. */
function buildInfo(version: string, modules: string): Buffer {
  const header = Buffer.alloc(32);
  header.write('\xff Go buildinf:', 'latin1');
  header[14] = 8;
  header[15] = 2;
  const text = (value: string) => {
    const length = [];
    for (let rest = value.length; ; rest >>= 7) {
      length.push(rest < 0x80 ? rest : (rest & 0x7f) | 0x80);
      if (rest < 0x80) break;
    }
    return Buffer.concat([Buffer.from(length), Buffer.from(value, 'latin1')]);
  };
  const framed = modules === '' ? '' : `0123456789abcdef${modules}0123456789abcdef`;
  return Buffer.concat([header, text(version), text(framed)]);
}

const modules =
  'path\texample.com/a/cmd\nmod\texample.com/a\t(devel)\t\ndep\texample.com/b/v2\tv2.1.0\th1:x=\n=>\texample.com/fork/v2\tv2.1.1\th1:y=\ndep\tplain\tv1.0.0\th1:z=\nbuild\tGOOS=linux\n';
const program = (info: Buffer, before = 4096) =>
  Buffer.concat([Buffer.alloc(before, 1), info, Buffer.alloc(5000, 2)]);

function find(bytes: Buffer, step: number) {
  const finder = new GoBuildFinder();
  for (let at = 0; at < bytes.length; at += step) finder.push(bytes.subarray(at, at + step));
  return finder.end();
}

describe('the build information of a Go program', () => {
  test.each([1000, 4099, 4112, 1 << 20])('is found in chunks of %i bytes', (step) => {
    expect(find(program(buildInfo('go1.26.8', modules)), step)).toEqual({ version: 'go1.26.8', modules });
  });

  test('is that at an aligned place: other programs quote it as data', () => {
    const quoted = Buffer.concat([Buffer.alloc(4096 + 3), buildInfo('go1.2.3', modules)]);
    const padding = Buffer.alloc(16 - (quoted.length % 16));
    const bytes = Buffer.concat([quoted, padding, buildInfo('go1.26.8', modules)]);
    expect(find(bytes, 1000)?.version).toBe('go1.26.8');
  });

  test.each([
    ['another program', Buffer.alloc(100_000, 7)],
    ['an empty file', Buffer.alloc(0)],
    ['a program of Go before 1.18', program(buildInfo('go1.17', modules).fill(0, 15, 16))],
    ['lengths beyond the end', program(buildInfo('go1.26.8', modules)).subarray(0, 4096 + 60)],
    [
      'a length without an end',
      program(Buffer.concat([buildInfo('', '').subarray(0, 32), Buffer.alloc(20, 0xff)])),
    ],
  ])('is not in %s', (_, bytes) => {
    expect(find(bytes, 1000)).toBeUndefined();
  });

  test('gives Go itself, the main module and its dependencies, replaced ones as their replacement', () => {
    expect(goPackages({ version: 'go1.26.8', modules })).toEqual([
      { name: 'stdlib', version: 'go1.26.8', purl: 'pkg:golang/stdlib@1.26.8' },
      { name: 'example.com/a', purl: 'pkg:golang/example.com/a' },
      { name: 'example.com/fork/v2', version: 'v2.1.1', purl: 'pkg:golang/example.com/fork/v2@v2.1.1' },
      { name: 'plain', version: 'v1.0.0', purl: 'pkg:golang/plain@v1.0.0' },
    ]);
  });

  test('of a program without modules is Go alone', () => {
    const found = find(program(buildInfo('go1.26.8', '')), 1000);
    expect(found && goPackages(found).map(({ name }) => name)).toEqual(['stdlib']);
  });
});
