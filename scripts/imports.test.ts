import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

/** The folders of scripts/, lowest floor first: a file imports files of its own room and of lower floors, nothing else. */
const floors = [
  ['errors.ts', 'package.ts', 'text', 'formats'],
  ['model', 'memory'],
  ['hashing'],
  ['image', 'artifacts', 'admission', 'framework.ts'],
  ['files'],
  ['http', 'layout', 'verify', 'terminal'],
  ['registry', 'model-registry'],
  ['sources', 'store'],
  ['bases', 'cache', 'catalog', 'kserve', 'model-catalog', 'trust', 'unpack'],
  ['loader'],
  ['pipeline'],
  ['commands', 'index.ts'],
  ['main.ts'],
  ['modelcars.ts'],
];

const root = import.meta.dirname;
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
  (path) => path.endsWith('.ts') && !path.endsWith('.test.ts'),
);
const imports = new Map(
  files.map((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    const targets = [
      ...text.matchAll(/(?:^import |^import [^;]*? from |^export [^;]*? from |import\()'(\.[^']+)'/gm),
    ];
    return [path, targets.map(([, target = '']) => relative(root, join(root, dirname(path), target)))];
  }),
);
const roomOf = (path: string): string => path.split('/', 1)[0] ?? '';
const floorOf = (path: string): number => floors.findIndex((rooms) => rooms.includes(roomOf(path)));

test('every file and folder of scripts/ is on a floor', () => {
  expect(new Set(files.map(roomOf))).toEqual(new Set(floors.flat()));
});

test('no import points upwards, or to another room of the same floor', () => {
  const upwards = [...imports].flatMap(([path, targets]) =>
    targets
      .filter((target) => roomOf(target) !== roomOf(path) && floorOf(target) >= floorOf(path))
      .map((target) => `${path} imports ${target}`),
  );
  expect(upwards).toEqual([]);
});

test('no file but package.ts looks for others beside itself: in the package, all are bundled into dist/', () => {
  const own = files.filter((path) =>
    /import\.meta\.(?:url|dirname|filename|resolve)|\b__dirname\b/.test(
      readFileSync(join(root, path), 'utf8'),
    ),
  );
  expect(own).toEqual(['package.ts']);
});

test('no files import each other in a circle', () => {
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) circles.push([...trail.slice(at), path].join(' → '));
    if (at >= 0 || done.has(path)) return;
    for (const target of imports.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of files) visit(path, []);
  expect(circles).toEqual([]);
  expect([...imports.values()].flat().length).toBeGreaterThan(500);
});
