import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Archive } from '../../../layout/archive.ts';
import { type CaseProgress, modelcar, server } from '../../diagnosis/case-progress.ts';
import { diagnose } from '../../diagnosis/diagnose.ts';
import { serviceName } from '../../manifests/inference-service.ts';
import type { Security } from '../../types.ts';
import type { RunnableImage } from '../image.ts';
import { check, showModels } from '../modelcar.ts';
import { ask, failed, init, readyPaths } from '../serve.ts';
import { waitReady } from '../server/server-command.ts';
import type { LocalOptions, LocalServer, Verdict } from '../types.ts';
import { Containers, type Ended, findEngine } from './containers.ts';
import { serverContainer } from './server-container.ts';

export interface EngineOptions extends LocalOptions {
  security: Security;
  server: Extract<LocalServer, { image: string }>;
}

/** Flags for running the image: it is loaded, and needs no registry and no network. */
const ownImage = ['--pull=never', '--network=none'];
/** Milliseconds for KServe's link to appear. */
const linkPatience = 15_000;

/**
 * Runs the stages of a pod in podman or docker: the image as KServe's init container and sidecar, and the server image
 * in the same process namespace, both as `uid` without capabilities. The caller deletes the folder `work`.
 */
export async function smokeInEngine(
  options: EngineOptions,
  image: RunnableImage,
  work: string,
  uid: number,
): Promise<Verdict> {
  const { model, framework, smoke, signal, say } = options;
  const engine = await findEngine(options.server.engine);
  const id = `modelcars-smoke-${process.pid}-${randomBytes(4).toString('hex')}`;
  await using containers = new Containers(engine, id, signal);
  await containers.sweep();
  const own = `localhost/${id}:smoke`;
  say(`loading ${model.name} into ${engine.name}`);
  await load(containers, options, image, join(work, 'image.tar'), own);
  const shared = join(work, 'mnt');
  await mkdir(shared);
  await chmod(shared, 0o777);
  const as = ['--user', `${uid}:0`, '--cap-drop=ALL', '--security-opt=no-new-privileges'];

  const checked = await containers.run([...as, ...ownImage, own, 'sh', '-c', check]);
  if (checked.code !== 0) return failed('init', init, checked);
  const volume = ['--volume', `${shared}:/mnt`, '--security-opt=label=disable'];
  const sidecar = `${id}-modelcar`;
  const linked = await containers.start(sidecar, [
    ...as,
    ...volume,
    ...ownImage,
    own,
    'sh',
    '-c',
    showModels,
  ]);
  if (linked.code !== 0) return failed('link', modelcar, linked);
  const broken = await linkEnd(containers, sidecar, shared, signal);
  if (broken !== undefined) return failed('link', modelcar, broken);

  say(`starting ${options.server.image} as ${uid}:0`);
  const name = `${id}-server`;
  const { command, args, env } = serverContainer(model, framework, options.server.image);
  const variables = Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`]);
  const [entrypoint, ...words] = command;
  const begun = Date.now();
  const started = await containers.start(name, [
    ...as,
    ...volume,
    `--pid=container:${sidecar}`,
    '--publish=127.0.0.1::8080',
    '--shm-size=1g',
    ...variables,
    ...(entrypoint === undefined ? [] : [`--entrypoint=${entrypoint}`]),
    options.server.image,
    ...words,
    ...args,
  ]);
  const verdict = async (
    standing: CaseProgress,
    more: Parameters<typeof diagnose>[2] = {},
  ): Promise<Verdict> => {
    const lines = [...started.lines, ...(await containers.logs(name))];
    return {
      diagnosis: diagnose(
        { events: [], logs: { [server]: lines } },
        { ...standing, container: server },
        more,
      ),
    };
  };
  if (started.code !== 0)
    return await verdict({
      stage: 'pull',
      state: 'failed',
      what: started.lines.at(-1) ?? `${engine.name} failed`,
    });
  const url = `http://${await containers.port(name, 8080)}`;
  const patience = { seconds: options.timeout ?? 120, signal };
  const paths = readyPaths(smoke, serviceName(model));
  const readiness = await waitReady(async () => !(await containers.runs(name)), url, paths, patience);
  if (readiness === 'ended')
    return await verdict({ stage: 'load', state: 'failed', what: await containers.end(name) });
  if (readiness === 'late')
    return await verdict(
      { stage: 'ready', state: 'failed', what: 'the server does not get ready' },
      { waited: Date.now() - begun },
    );
  say(`asking ${model.name} for a prediction`);
  const answer = await ask(url, smoke, serviceName(model), signal);
  if (answer.right) return {};
  return await verdict({ stage: 'answer', state: 'failed', what: answer.what }, { answer });
}

/** Loads the image of this machine's platform into the engine, as an archive. */
async function load(
  containers: Containers,
  { image: { store }, signal }: LocalOptions,
  { manifest, config, layers }: RunnableImage,
  file: string,
  name: string,
): Promise<void> {
  const archive = await Archive.create(file);
  try {
    for (const part of [...layers, config, manifest]) {
      if (await archive.has(part)) continue;
      await archive.write({ ...part, open: (offset, stop) => store.open(part, offset, stop) }, { signal });
    }
    await archive.tag(name, manifest);
    await archive.close();
  } catch (error) {
    await archive.abandon();
    throw error;
  }
  await containers.load(file, name);
  await rm(file);
}

/** How the sidecar ended without the link; undefined once the link exists. */
async function linkEnd(
  containers: Containers,
  sidecar: string,
  shared: string,
  signal: AbortSignal,
): Promise<Ended | undefined> {
  for (const until = Date.now() + linkPatience; ; ) {
    if (!(await containers.runs(sidecar))) {
      const code = Number(/\d+/.exec(await containers.end(sidecar))?.[0] ?? 1);
      return { code, lines: await containers.logs(sidecar) };
    }
    if (await isLink(join(shared, 'models'))) return undefined;
    if (Date.now() > until) return { code: null, lines: await containers.logs(sidecar) };
    await sleep(100, undefined, { signal });
  }
}

async function isLink(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isSymbolicLink() === true;
}
