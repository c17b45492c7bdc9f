/** Calls the module's functions in sessions that run nothing, and checks everything that they request. */
import { expect } from 'vitest';
import { parseCommandLine } from '../../scripts/commands/parse.ts';
import { type Module, openModule, type Step, type Values, withSession } from './_module.ts';
import { calls, execs, isModelcars, words } from './_reading.ts';
import type { Answer, Asked, Recorded, Session } from './session.ts';

let loading: Promise<Module> | undefined;

/** The module, loaded once. */
export function loadedModule(): Promise<Module> {
  loading ??= openModule();
  return loading;
}

/** The output of `modelcars split` for a catalog with two models, one of which has a base to pull. */
const split = {
  models: [
    { name: 'iris', catalog: 'catalog of iris', lock: 'lock of iris', files: ['models/iris/**'] },
    {
      name: 'wine',
      catalog: 'catalog of wine',
      lock: 'lock of wine',
      files: ['models/wine/**'],
      base: { catalog: 'base of wine', lock: 'base lock of wine' },
    },
  ],
};

/** An engine in which every command succeeds. */
export function well({ object, field }: Asked): unknown {
  const last = object.calls.at(-1);
  if (field === 'defaultPlatform') return 'linux/arm64';
  if (field === 'contents' && last?.args.path === 'index.json') return '{"schemaVersion":2,"manifests":[{}]}';
  if (field === 'contents') return 'NAME  DIGEST\nsome  sha256:0\n';
  if (field !== 'stdout' || !execs(object).some((argv) => isModelcars(argv))) return undefined;
  const [command, model] = words(object);
  if (command !== 'split') return `${command} said this`;
  const models = split.models.filter(({ name }) => model?.startsWith('--') !== false || name === model);
  return JSON.stringify({ models });
}

export interface Ran {
  // biome-ignore lint/suspicious/noExplicitAny: of the type that the function returns
  result: any;
  error: string;
  asked: Asked[];
  queries: string[];
}

/** Calls a function of the module, which is constructed with `own`. */
export async function call(
  name: string,
  args: Values = {},
  own: Values = {},
  answer: Answer = well,
): Promise<Ran> {
  return await callChain([[name, args]], own, answer);
}

/** Calls a chain of functions; the engine must accept every query, and the program every command line. */
export async function callChain(chain: Step[], own: Values = {}, answer: Answer = well): Promise<Ran> {
  const ran: Ran = { result: undefined, error: '', asked: [], queries: [] };
  await withSession(async ({ session }) => {
    session.answer = answer;
    try {
      ran.result = await (await loadedModule()).call(session, chain, own);
    } catch (error) {
      ran.error = error instanceof Error ? error.message : String(error);
    }
    expect(session.refused).toEqual([]);
    Object.assign(ran, { asked: session.asked, queries: session.queries });
    await checkCommands(session, ran.result);
  });
  return ran;
}

async function checkCommands({ asked }: Session, result: unknown): Promise<void> {
  const objects = asked.map(({ object }) => object);
  if (typeof result === 'object' && result !== null) objects.push(result as Recorded);
  for (const { args } of calls(objects, 'withExec')) {
    const argv = args.args as string[];
    if (isModelcars(argv)) await parseCommandLine(argv.slice(2), 80);
  }
}

/** The container whose output a function returned. */
export function shown({ asked, error }: Ran): Recorded {
  expect(error).toBe('');
  const last = asked.findLast(({ field }) => field === 'stdout')?.object;
  if (!last) throw new Error('nothing was run for its output');
  return last;
}

export const source = { type: 'Directory', calls: [{ field: 'given', args: { address: '.' } }] };
export const cacheOf = (args: Values | undefined) =>
  (args?.cache as Recorded | undefined)?.calls.at(-1)?.args.key;
