import { createHash } from 'node:crypto';
import { ModelcarsError } from '../errors.ts';
import { openImageFiles } from '../kserve/image-files/image-files.ts';
import { ownRequest } from '../kserve/smoke/own-request/index.ts';
import { smokeOf } from '../kserve/smoke/own-request/record.ts';
import type { SmokeResult } from '../kserve/types.ts';
import type { Framework, Model, ModelReader, ModelSmoke, SentTest, SmokeTest } from '../model/types.ts';
import type { FoundImage, FoundImages } from './open-images.ts';
import type { Session } from './session.ts';
import type { SmokeOptions } from './smoke-options.ts';

/** A model and the request that its smoke test sends. */
export interface ModelTest {
  model: Model;
  test: SentTest;
  /** Which request it is, for display. */
  request: string;
}

type ChosenTest =
  | {
      test: SmokeTest;
      /** For display. */
      request: string;
      /** The request as models.yaml has or can have it. */
      own?: ModelSmoke;
    }
  | { ended: Pick<SmokeResult, 'status' | 'reason' | 'diagnosis'> };

/** Bytes of the largest file that can be a sample. */
const largestSample = 1024 ** 2;

/**
 * Chooses each model's request: `smoke:` in models.yaml, the framework's if it is for every model of it, the sample's for
 * exactly the sample's bytes, and otherwise one made from what the model's files say of themselves, for which any answer
 * of the right shape passes. Where they say nothing, the sample's shows at least whether the model loads. A model without
 * any has failed, one with `smoke: false` is skipped: `ended`. Logs a line
 * per request. Fails with code `catalog` for a file of `smoke:` that cannot be read, and with the errors of the images'
 * store.
 */
export async function chooseTests(
  session: Session,
  models: readonly Model[],
  images: FoundImages,
  { wishes: { local, modes, security }, recorder }: Pick<SmokeOptions, 'wishes' | 'recorder'>,
): Promise<{ tests: ModelTest[]; ended: SmokeResult[] }> {
  const tests: ModelTest[] = [];
  const ended: SmokeResult[] = [];
  for (const model of models) {
    const chosen = await chooseTest(session, model, images.of(model), recorder !== undefined);
    if ('test' in chosen) {
      session.options.progress.log(`${model.name}: the smoke test sends ${chosen.request}`);
      const { test, own } = chosen;
      const accepted = recorder && own && { accepted: (answer: unknown) => recorder(model, own, answer) };
      tests.push({ model, test: { ...test, ...accepted }, request: chosen.request });
    } else {
      const mode = local ? 'local' : (modes[0] ?? model.serving?.storage ?? 'oci');
      const as = security[0] ?? 'openshift';
      ended.push({ model: model.name, mode, security: as, seconds: 0, ...chosen.ended });
    }
  }
  return { tests, ended };
}

async function chooseTest(
  session: Session,
  model: Model,
  image: FoundImage,
  records: boolean,
): Promise<ChosenTest> {
  const { catalog, signal } = session.options;
  if (model.smoke === false) return { ended: { status: 'skipped', reason: '`smoke: false` in models.yaml' } };
  if (model.smoke !== undefined) {
    const { expect, ...asked } = model.smoke;
    const sent = records && expect !== 'any' ? asked : model.smoke;
    const served = await servedName(session, model, image);
    const test = await ownRequest(sent, model.name, catalog.directory, served);
    return { test, request: 'the request of `smoke:` in models.yaml', own: model.smoke };
  }
  const framework = session.framework(model);
  const { smoke } = framework;
  if (smoke !== undefined && smoke.sample === undefined)
    return { test: smoke, request: `the request of framework ${framework.name}` };
  await using files = await openImageFiles(image.store, image.root, signal);
  if (smoke?.sample !== undefined && (await isSample(files, smoke.sample)))
    return { test: smoke, request: `the request of the sample of framework ${framework.name}` };
  const chosen = await fromFiles(framework, files);
  const own =
    records && 'test' in chosen ? await smokeOf(chosen.test, framework.servedName?.(files.paths)) : undefined;
  return own === undefined ? chosen : { ...chosen, own };
}

/** The name that the model's server gives it, where the framework says that it is another. */
async function servedName(session: Session, model: Model, image: FoundImage): Promise<string | undefined> {
  const framework = session.framework(model);
  if (framework.servedName === undefined) return undefined;
  await using files = await openImageFiles(image.store, image.root, session.options.signal);
  return framework.servedName(files.paths);
}

async function fromFiles(framework: Framework, files: ModelReader): Promise<ChosenTest> {
  try {
    const test = await framework.smokeFrom?.(files);
    if (test !== undefined)
      return {
        test,
        request: `a request made from ${test.from ?? 'its files'}; any answer of the right shape passes`,
      };
  } catch (error) {
    if (!(error instanceof ModelcarsError) || error.code !== 'catalog') throw error;
    return none(error.message, error.next ?? ownSmoke);
  }
  // The sample's: a file that says nothing is often one that no server can load, and serving it shows why.
  if (framework.smoke !== undefined)
    return {
      test: framework.smoke,
      request: `the request of the sample of framework ${framework.name}, since the model's files do not say what they take`,
    };
  return none("the model's files do not say what a request looks like", ownSmoke);
}

const ownSmoke =
  'give it one in models.yaml, such as `smoke: {rows: [[1, 2, 3]]}` (docs/reference/models-yaml.md, "Smoke test"), or `smoke: false`';

function none(cause: string, fix: string): ChosenTest {
  const diagnosis = {
    stage: 'answer' as const,
    what: 'there is no request to send',
    cause,
    fix,
    events: [],
    logs: [],
  };
  return { ended: { status: 'failed', diagnosis } };
}

async function isSample(files: ModelReader, sample: Record<string, string>): Promise<boolean> {
  for (const [path, sha256] of Object.entries(sample)) {
    const size = files.size(path);
    if (size === undefined || size > largestSample) return false;
    const bytes = await files.read(path, 0, size);
    if (createHash('sha256').update(bytes).digest('hex') !== sha256) return false;
  }
  return true;
}
