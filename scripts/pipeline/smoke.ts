import { join } from 'node:path';
import pLimit from 'p-limit';
import { ModelcarsError } from '../errors.ts';
import { servedBy } from '../kserve/manifests/served-by.ts';
import { isLLM } from '../kserve/manifests/serving-object.ts';
import { type Abilities, type PlannedCase, planCases } from '../kserve/smoke/cases.ts';
import type { Security, SmokeResult } from '../kserve/types.ts';
import { isModel } from '../model/catalog-entry.ts';
import type { Model } from '../model/types.ts';
import type { Task } from '../terminal/types.ts';
import { repositoryName } from './image-names.ts';
import { type FoundImages, openImages, requireImages } from './open-images.ts';
import { refusedModels } from './refused-models.ts';
import { Session } from './session.ts';
import { smokeLocally } from './smoke-local.ts';
import type { SmokeOptions } from './smoke-options.ts';
import { chooseTests, type ModelTest } from './smoke-test.ts';

/** Upper limit of models served at once. */
const mostAtATime = 8;

/**
 * Serves every model as KServe would, requests the prediction with a known correct answer, and checks it. A model that
 * does not serve is a `failed` result with its diagnosis. Throws when the cluster, an image or a registry is
 * unavailable, and when the signal aborts; everything created is deleted first.
 */
export async function smokeModels(options: SmokeOptions): Promise<SmokeResult[]> {
  const wanted = options.models.filter(isModel);
  const refused = refusedModels(wanted, options.wishes);
  const models = wanted.filter(({ name }) => refused.every(({ model }) => model !== name));
  if (models.length === 0) return refused;
  if ('registry' in options.from) for (const model of models) repositoryName(model);
  await using session = await Session.open(options);
  await using opened = await openImages(await session.client(), options.from, session.options);
  const images = await requireImages(opened, models, options.from);
  const { tests, ended } = await chooseTests(session, models, images, options);
  const known = [...ended, ...refused];
  if (tests.length === 0) return inOrder(wanted, known);
  const results = options.wishes.local
    ? await smokeLocally(session, tests, images, options)
    : await smokeInCluster(session, tests, images, options);
  const requests = new Map(tests.map(({ model, request }) => [model.name, request]));
  return inOrder(wanted, [...results.map((result) => withRequest(result, requests)), ...known]);
}

function inOrder(models: readonly Model[], results: readonly SmokeResult[]): SmokeResult[] {
  return models.flatMap(({ name }) => results.filter(({ model }) => model === name));
}

function withRequest(result: SmokeResult, requests: ReadonlyMap<string, string>): SmokeResult {
  const request = requests.get(result.model);
  return request === undefined ? result : { ...result, request };
}

async function smokeInCluster(
  session: Session,
  tests: readonly ModelTest[],
  images: FoundImages,
  options: SmokeOptions,
): Promise<SmokeResult[]> {
  const { wishes, signal, progress } = options;
  const models = tests.map(({ model }) => model);
  session.store.requireTrust('keep records of clusters in the store');
  const runtimeNames = models.map((model) => servedBy(model, session.framework(model)).runtime);
  for (const [at, model] of models.entries())
    if (isLLM(model))
      progress.log(
        `${model.name}: tested as an InferenceService with runtime ${runtimeNames[at]}: the LLMInferenceService of \`manifest\` is not`,
      );
  const { openCluster } = await import('../kserve/in-cluster/open-cluster.ts');
  const given = wishes.context ?? wishes.kubeconfig;
  const task = progress.task(`cluster ${given ?? wishes.clusterName}`);
  const served = models.map((model) => ({ name: model.name, ...images.of(model) }));
  await using cluster = await runTask(task, undefined, () =>
    openCluster({
      ...wishes,
      folder: join(session.store.folder, 'smoke'),
      images: served,
      signal,
      say: (line) => task.note(line),
      log: (line) => progress.log(line),
      warn: (line) => progress.warn(line),
    }),
  );
  const abilities: Abilities = {
    ...cluster.facts,
    own: cluster.own,
    namespace: cluster.namespace,
    pushed: 'registry' in options.from,
  };
  const securities = wishes.security.length > 0 ? wishes.security : defaultSecurities(abilities);
  const planned = planCases(models, wishes.modes, securities, abilities);
  // Part of the same task, which then shows what is pulled: an image of a model server takes minutes.
  const runtimes = await runTask(task, 'ready', () => cluster.prepareRuntimes(runtimeNames));
  const results = new Map<PlannedCase, SmokeResult>();
  const one = async (planned: PlannedCase): Promise<void> => {
    signal.throwIfAborted();
    const found = tests.find(({ model }) => model.name === planned.model);
    if (found === undefined) return;
    const { model, test } = found;
    const { mode, security } = planned;
    const of = { model: planned.model, mode, security };
    const label = `${planned.model} ${mode} ${security}`;
    const caseTask = progress.task(label);
    const result = await runTask(caseTask, undefined, () =>
      cluster.smoke({
        model,
        framework: session.framework(model),
        smoke: test,
        planned,
        image: images.of(model),
        timeout: wishes.timeout,
        note: (text) => caseTask.note(text),
      }),
    );
    results.set(planned, { ...result, ...of });
    report(caseTask, result);
  };
  for (const planning of planned) {
    if (planning.skip === undefined) continue;
    const { model, mode, security, skip } = planning;
    results.set(planning, { model, mode, security, status: 'skipped', seconds: 0, reason: skip });
  }
  const todo = planned.filter(({ skip }) => skip === undefined);
  // `uidModelcar` applies to the whole cluster, so cases with different users run one group after the other.
  for (const user of new Set(todo.map((planning) => planning.user))) {
    if (cluster.own) await cluster.setModelcarUser(user);
    const room = Math.max(1, Math.min(await cluster.room(runtimes), options.concurrency ?? mostAtATime));
    const limit = pLimit(room);
    const now = todo.filter((planning) => planning.user === user);
    await allOrFirstError(now.map((planning) => limit(() => one(planning))));
  }
  return planned.flatMap((planning) => results.get(planning) ?? []);
}

/** A new cluster tests as both kinds of cluster do; an existing one as it is configured. */
function defaultSecurities({ own }: Abilities): Security[] {
  return own ? ['openshift', 'modelcar'] : ['runtime'];
}

function report(task: Task, { status, diagnosis, reason, seconds }: SmokeResult): void {
  if (status === 'passed') task.done(`correct prediction after ${seconds.toFixed(0)} s`);
  else if (status === 'skipped') task.done(`skipped: ${reason ?? ''}`);
  else task.fail(diagnosis === undefined ? 'failed' : `${diagnosis.stage}: ${diagnosis.what}`);
}

/**
 * Runs `work` and ends its task: as failed on an error, with the text `done` if given; otherwise the caller ends it.
 */
async function runTask<T>(task: Task, done: string | undefined, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    if (done !== undefined) task.done(done);
    return result;
  } catch (error) {
    task.fail(error instanceof ModelcarsError ? (error.message.split('\n')[0] ?? '') : 'stopped');
    throw error;
  }
}

/** Waits for all, so that none still uses resources about to be deleted; then throws the first error. */
async function allOrFirstError(promises: Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(promises)).find((one) => one.status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}
