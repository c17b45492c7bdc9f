import { parseCatalog, readCatalogText } from '../catalog/load.ts';
import { recordSmoke } from '../catalog/record-smoke.ts';
import { writeTextFile } from '../catalog/write-text.ts';
import { ModelcarsError } from '../errors.ts';
import { checkAnswer } from '../kserve/smoke/check-answer.ts';
import { ownRequest } from '../kserve/smoke/own-request/index.ts';
import { expectationOf } from '../kserve/smoke/own-request/record.ts';
import type { SmokeResult } from '../kserve/types.ts';
import { isModel } from '../model/catalog-entry.ts';
import type { ModelExpectation, ModelSmoke } from '../model/types.ts';
import { displayPath } from '../text/paths.ts';
import { smokeModels } from './smoke.ts';
import type { SmokeOptions } from './smoke-options.ts';

/** What `recordAnswers` wrote for one model. */
export interface Recorded {
  model: string;
  expect: ModelExpectation;
  /** What is not written down, for display. */
  less?: string;
}

/**
 * Runs the smoke test and writes each model's answer into models.yaml as `expect:` of its `smoke:`, for a person to
 * review; a request made from the model's files is written with it. All or nothing: when a model does not pass, the file
 * stays as it was, and nothing is recorded. Models whose framework has request and answer are left as they are, also
 * answers of which nothing can be written. Fails with code `integrity` when a model answers differently in one run, with
 * code `catalog` when the file cannot be edited or changed meanwhile; and as `smokeModels`.
 */
export async function recordAnswers(
  options: SmokeOptions,
): Promise<{ results: SmokeResult[]; recorded: Recorded[] }> {
  const { catalog, progress, models } = options;
  const before = await readCatalogText(catalog.file);
  const answers = new Map<string, { smoke: ModelSmoke; answers: unknown[] }>();
  const results = await smokeModels({
    ...options,
    recorder({ name }, smoke, answer) {
      const known = answers.get(name);
      if (known === undefined) answers.set(name, { smoke, answers: [answer] });
      else known.answers.push(answer);
    },
  });
  const bad = results.find(({ status }) => status === 'failed');
  if (bad !== undefined) {
    progress.warn(`nothing is recorded, because ${bad.model} failed`);
    return { results, recorded: [] };
  }
  const recorded: Recorded[] = [];
  let text = before ?? '';
  for (const { name } of models.filter(isModel)) {
    const found = answers.get(name);
    if (found === undefined) {
      const passed = results.some(({ model, status }) => model === name && status === 'passed');
      if (passed) progress.warn(`${name}: not recorded, since its request is not one of models.yaml`);
      continue;
    }
    const [answer, ...others] = found.answers;
    const { expect, less } = expectationOf(found.smoke, answer);
    if (expect === undefined) {
      progress.warn(`${name}: not recorded: ${less ?? 'the answer has no form in models.yaml'}`);
      continue;
    }
    const smoke = { ...found.smoke, expect };
    await requireSame(name, smoke, others, catalog.directory);
    const edited = recordSmoke(text, name, smoke);
    if (edited === undefined) throw notEditable(catalog.file, name, expect);
    text = edited;
    recorded.push({ model: name, expect, ...(less !== undefined && { less }) });
  }
  if (recorded.length === 0) return { results, recorded };
  await parseCatalog(catalog.file, text);
  if ((await readCatalogText(catalog.file)) !== before)
    throw new ModelcarsError('catalog', `write ${displayPath(catalog.file)}: it changed meanwhile`, {
      next: 'run the same command again',
    });
  await writeTextFile(catalog.file, text);
  return { results, recorded };
}

/** Fails when the answers of other ways of serving are not those that would be expected from now on. */
async function requireSame(
  name: string,
  smoke: ModelSmoke,
  answers: readonly unknown[],
  directory: string,
): Promise<void> {
  if (answers.length === 0) return;
  const test = await ownRequest(smoke, name, directory);
  for (const answer of answers) {
    const check = checkAnswer(test.expect, answer);
    if (!check.ok)
      throw new ModelcarsError(
        'integrity',
        `record ${name}: it answers differently each time: ${check.why}`,
        {
          next: 'write an `expect:` with a tolerance, a shape or `any` into models.yaml',
        },
      );
  }
}

function notEditable(file: string, name: string, expect: ModelExpectation): ModelcarsError {
  const where = displayPath(file);
  return new ModelcarsError('catalog', `record ${name}: ${where} is written in a way that cannot be edited`, {
    next: `write it by hand into \`smoke:\` of ${name}:\nexpect: ${JSON.stringify(expect)}`,
  });
}
