/** The documents about an image are the same wherever it was built, and name what it was built from. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { modelcars, root } from '../parts/cli.ts';
import { run } from '../parts/run.ts';

const script = fileURLToPath(new URL('_statements.ts', import.meta.url));
const catalog = `version: v1.0.0
defaults: {base: embedded, platforms: [linux/amd64, linux/arm64]}
models:
  - {name: iris, framework: sklearn, source: "file:iris", licenses: MIT}
`;

let folder: string;
let origin: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-bom-'));
  origin = join(folder, 'origin');
  await mkdir(join(origin, 'models/iris'), { recursive: true });
  await run('cp', [join(root, 'frameworks/sklearn/model.joblib'), join(origin, 'models/iris')]);
  await writeFile(join(origin, 'models/models.yaml'), catalog);
  await modelcars(['lock'], { cwd: join(origin, 'models') });
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.com', '-c', 'commit.gpgsign=false'];
  await run('git', ['init', '-q', origin]);
  await run('git', ['-C', origin, 'add', 'models/models.yaml', 'models/models.lock.yaml', 'models/iris']);
  await run('git', ['-C', origin, ...identity, 'commit', '-q', '-m', 'a']);
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

/** A clone with a build in it; returns what `bom` prints, and the statements. */
async function buildIn(name: string, env: Record<string, string>) {
  const clone = join(folder, name);
  await run('git', ['clone', '-q', origin, clone]);
  await run('git', [
    '-C',
    clone,
    'remote',
    'set-url',
    'origin',
    'https://me:secret@github.com/me/models.git',
  ]);
  const cwd = join(clone, 'models');
  const settings = { cwd, env: { ...env, MODELCARS_STORE: join(clone, '.store') } };
  await modelcars(['build', '--frozen'], settings);
  const bom = await modelcars(['bom', 'iris'], settings);
  const statements = await run(process.execPath, [script], {
    ...settings,
    env: { ...process.env, ...settings.env },
  });
  return { bom, statements, commit: (await run('git', ['-C', clone, 'rev-parse', 'HEAD'])).trim() };
}

describe('the documents about an image', () => {
  test('have the same bytes in another folder, time zone and locale, and name the commit', async () => {
    const one = await buildIn('one', { TZ: 'UTC', LC_ALL: 'C' });
    const other = await buildIn('quite another', { TZ: 'Pacific/Kiritimati', LC_ALL: 'tr_TR.UTF-8' });
    expect(other).toEqual(one);
    const [bom, provenance] = one.statements
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(JSON.parse(one.bom)).toEqual({ ...bom.predicate, metadata: expect.anything() });
    expect(provenance.subject).toEqual(bom.subject);
    expect(provenance.predicate.buildDefinition.resolvedDependencies.slice(0, 2)).toEqual([
      {
        uri: 'git+https://github.com/me/models.git',
        digest: { gitCommit: one.commit },
        annotations: { uncommittedChanges: false },
      },
      { name: 'models/models.yaml', digest: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) } },
    ]);
    expect(JSON.stringify(one)).not.toMatch(/secret/);
    expect(JSON.stringify(one)).not.toContain(folder);
  });
});
