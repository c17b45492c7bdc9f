/** The Kubernetes objects of ci/, decoded strictly by Kubernetes' and Tekton's own types; Tekton's webhook checks its own. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { goPrograms } from '../parts/kube/go.ts';
import { PartMissing, partsRequired } from '../parts/parts.ts';
import { recipe } from '../parts/recipes.ts';
import { tryRun } from '../parts/run.ts';

const main = await readFile(fileURLToPath(new URL('objects/main.go', import.meta.url)), 'utf8');
const name = `objects-${createHash('sha256').update(main).digest('hex').slice(0, 12)}`;

/** Builds the judge; undefined without Go, unless parts are required. */
async function program(): Promise<string | undefined> {
  const module = { module: 'github.com/tektoncd/pipeline', version: 'v1.6.0' };
  try {
    return join(await goPrograms({ name, ...module, packages: ['.'], main }), name);
  } catch (error) {
    if (!(error instanceof PartMissing) || partsRequired()) throw error;
    return undefined;
  }
}
const judge = await program();
const check = async (text: string) => await tryRun(judge ?? '', [text]);

test.skipIf(judge === undefined).each([
  ['ci/tekton/node.yaml', 2],
  ['ci/tekton/dagger.yaml', 2],
  ['ci/kubernetes/job.yaml', 1],
  ['ci/kubernetes/engine-access.yaml', 2],
])('%s is valid', async (path, count) => {
  expect(await check((await recipe(path)).text)).toEqual({ code: 0, stdout: `${count}\n`, stderr: '' });
});

test.skipIf(judge === undefined).each([
  ['ci/tekton/node.yaml', 'optional: true', 'optionl: true', 'unknown field "optionl"'],
  ['ci/tekton/node.yaml', 'value: $(params.shard)', 'value: $(params.shrd)', 'params.shrd'],
  ['ci/tekton/dagger.yaml', 'runAfter: [clone]', 'runAfter: [clne]', 'clne'],
  ['ci/kubernetes/job.yaml', 'backoffLimitPerIndex', 'backoffLimitByIndex', 'unknown field'],
])('in %s, %s written %s is reported', async (path, right, wrong, words) => {
  const { text } = await recipe(path);
  expect(text).toContain(right);
  const { code, stderr } = await check(text.replace(right, wrong));
  expect([code, stderr]).toEqual([1, expect.stringContaining(words)]);
});
