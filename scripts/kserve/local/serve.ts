import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SentTest, SmokeTest } from '../../model/types.ts';
import { type CaseProgress, modelcar, server } from '../diagnosis/case-progress.ts';
import { diagnose } from '../diagnosis/diagnose.ts';
import { serviceName } from '../manifests/inference-service.ts';
import { knownVariables } from '../manifests/variables.ts';
import { type Prediction, predict } from '../smoke/predict.ts';
import { type ImageProcess, linkModels, type ModelcarEnd, prefetch } from './modelcar.ts';
import type { Pod } from './pod.ts';
import type { Launcher } from './server/launcher.ts';
import { freePorts, lastLines, type ServerCommand, waitReady } from './server/server-command.ts';
import { onPath } from './tools.ts';
import { defaultTimeout, type LocalOptions, type Verdict } from './types.ts';

/** KServe's name for its init container. */
export const init = 'modelcar-init';
/** Milliseconds after readiness until a wrong answer is final. */
const answerPatience = 20_000;

interface Places {
  home: string;
  shared: string;
  user: { uid: number; gid: number };
}

/**
 * Runs the stages of a pod in order, until one fails or the prediction is correct. Without a pod, `shared` already
 * holds the link.
 */
export async function serveAndAsk(
  pod: Pod | undefined,
  options: LocalOptions,
  image: ImageProcess,
  launcher: Launcher,
  places: Places,
): Promise<Verdict> {
  const { model, smoke, signal, say } = options;
  const name = serviceName(model);
  let models = join(places.shared, 'models');
  if (pod === undefined) {
    const found = await readdir(models).catch(() => []);
    if (found.length === 0)
      return failed('init', init, { code: 1, lines: ['/models does not exist or is empty'] });
  } else {
    const checked = await prefetch(pod, image);
    if (checked.code !== 0) return failed('init', init, checked);
    const linked = await linkModels(pod, image, places.shared, signal);
    if (typeof linked !== 'string') return failed('link', modelcar, linked);
    models = linked;
  }
  const alone = pod === undefined && process.getuid?.() !== 0;
  say(`starting ${launcher.name} as ${alone ? 'you' : `${places.user.uid}:${places.user.gid}`}`);
  const [http = 0, grpc = 0, metrics = 0] = await freePorts(3);
  const command = launcher.command({ models, name, ports: [http, grpc, metrics] });
  const log = join(places.home, '..', 'server.log');
  const env = { ...withDefaults(command.env, places.home), ...knownVariables(model.serving).known };
  await using started = await start(pod, { ...command, env }, launcher.needs, places, log);
  const { child } = started;
  const url = `http://127.0.0.1:${http}`;
  const begun = Date.now();
  const patience = { seconds: options.timeout ?? defaultTimeout, signal };
  const readiness = await waitReady(() => hasEnded(child), url, readyPaths(smoke, name), patience);
  if (readiness !== 'ready') {
    const late = readiness === 'late';
    const what = late ? 'the server does not get ready' : `it ended with ${endOf(child)}`;
    const standing: CaseProgress = {
      stage: late ? 'ready' : 'load',
      state: 'failed',
      what,
      container: server,
    };
    const waited = late ? { waited: Date.now() - begun } : {};
    return {
      diagnosis: diagnose({ events: [], logs: { [server]: await lastLines(log) } }, standing, waited),
    };
  }
  say(`asking ${model.name} for a prediction`);
  const answer = await ask(url, smoke, name, signal);
  if (answer.right) return {};
  const standing: CaseProgress = { stage: 'answer', state: 'failed', what: answer.what, container: server };
  return {
    diagnosis: diagnose({ events: [], logs: { [server]: await lastLines(log) } }, standing, { answer }),
  };
}

/** Requests predictions until one is correct or final, or time runs out. */
export async function ask(
  url: string,
  smoke: SentTest,
  name: string,
  signal: AbortSignal,
): Promise<Prediction> {
  for (const until = Date.now() + answerPatience; ; await sleep(500, undefined, { signal })) {
    const answer = await predict(url, smoke, name, signal);
    if (answer.right || answer.final || Date.now() > until) return answer;
  }
}

/**
 * The paths that report the model's readiness: those of protocol v1 or v2, of KServe's Hugging Face server, then OpenAI's.
 */
export function readyPaths(smoke: SmokeTest, name: string): string[] {
  const paths = [smoke.path].flat().map((path) => path.replaceAll('{name}', encodeURIComponent(name)));
  // TensorFlow Serving has no list of models.
  const v1 = paths.filter((path) => path.endsWith(':predict')).map((path) => path.replace(/:predict$/, ''));
  const v2 = paths.filter((path) => path.endsWith('/infer')).map((path) => path.replace(/infer$/, 'ready'));
  if (v1.length > 0) return v1;
  return v2.length > 0 ? v2 : [`/v2/models/${encodeURIComponent(name)}/ready`, '/v1/models'];
}

async function start(
  pod: Pod | undefined,
  command: ServerCommand,
  needs: readonly string[],
  { home, shared, user }: Places,
  log: string,
): Promise<AsyncDisposable & { child: ChildProcess }> {
  const output = openSync(log, 'a');
  try {
    const options = { cwd: home, output, needs: [...needs, join(shared, '..')] };
    const child = pod?.serve(command, options) ?? (await startAlone(command, options, user));
    const kill = (): void => stop(child);
    process.once('exit', kill);
    return {
      child,
      [Symbol.asyncDispose]: async () => {
        kill();
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
        process.off('exit', kill);
      },
    };
  } finally {
    closeSync(output);
  }
}

/** Starts the server without a pod: as `user` where possible, and killed when this process ends. */
async function startAlone(
  { argv, env }: ServerCommand,
  { cwd, output }: { cwd: string; output: number },
  { uid, gid }: Places['user'],
): Promise<ChildProcess> {
  const setpriv = await onPath('setpriv');
  const root = process.getuid?.() === 0;
  const as = root ? ['--reuid', `${uid}`, '--regid', `${gid}`, '--clear-groups', '--bounding-set=-all'] : [];
  const last = ['--no-new-privs', '--pdeathsig', 'KILL'];
  const [program = '', ...words] = setpriv === undefined ? argv : [setpriv, ...as, ...last, ...argv];
  return spawn(program, words, { cwd, env, detached: true, stdio: ['ignore', output, output] });
}

/** In a pod, child processes end with the pod; without one, the server leads its process group, which is killed. */
function stop(child: ChildProcess): void {
  try {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function withDefaults(env: Record<string, string>, home: string): Record<string, string> {
  const path = process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin';
  return { PATH: path, ...env, HOME: home, TMPDIR: home };
}

/** The messages of nsenter, runc and crun for a missing program in the image. */
const noProgram =
  /(?:failed to execute |exec: "|executable file `)(?<name>[^\s":`]+)(?::|": executable file|`) (?:not found|No such file)/;

export function failed(stage: 'init' | 'link', container: string, { code, lines }: ModelcarEnd): Verdict {
  // The shell's error takes precedence over the output of KServe's command after it.
  const telling = lines.findLast((line) => /denied|cannot|can't/i.test(line)) ?? lines.at(-1);
  const missing = noProgram.exec(lines.join('\n'))?.groups?.name;
  const what =
    missing === undefined
      ? `it ended with ${code === null ? 'no link made' : `exit code ${code}`}: ${telling ?? 'it wrote nothing'}`
      : // As worded by most container engines.
        `exec: "${missing}": executable file not found in $PATH`;
  const standing: CaseProgress = { stage, state: 'failed', what, container };
  return { diagnosis: diagnose({ events: [], logs: { [container]: lines } }, standing) };
}

function endOf({ exitCode, signalCode }: ChildProcess): string {
  return exitCode === null ? `signal ${signalCode}` : `exit code ${exitCode}`;
}
