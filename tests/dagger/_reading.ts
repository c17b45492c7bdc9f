/** Reads a module's recorded API calls: which commands run where, with which mounts, variables and secrets. */
import { isDeepStrictEqual } from 'node:util';
import type { Call, Recorded } from './session.ts';

/** An object and every object that it is made from, without duplicates. */
export function within(object: Recorded): Recorded[] {
  const found: Recorded[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) visit(item);
    else if (isRecorded(value) && !found.some((one) => isDeepStrictEqual(one, value))) {
      found.push(value);
      for (const { args } of value.calls) visit(Object.values(args));
    }
  };
  visit(object);
  return found;
}

/** The calls of one field that an object is made from, in it and in all within. */
export function calls(objects: Recorded | Recorded[], field: string): Call[] {
  const all = [objects].flat().flatMap(within);
  const found: Call[] = [];
  for (const call of all.flatMap((one) => one.calls)) {
    if (call.field === field && !found.some((one) => isDeepStrictEqual(one, call))) found.push(call);
  }
  return found;
}

/** The commands of a container itself, without those of containers that its mounts come from. */
export function execs(container: Recorded): string[][] {
  return container.calls.filter(({ field }) => field === 'withExec').map(({ args }) => args.args as string[]);
}

/** The words after `modelcars` of the container's last `modelcars` command. */
export function words(container: Recorded): string[] {
  const last = execs(container).findLast((argv) => isModelcars(argv));
  if (!last) throw new Error(`no modelcars runs in ${JSON.stringify(container.calls)}`);
  return last.slice(2);
}

export function isModelcars(argv: string[]): boolean {
  return argv[0] === 'node' && argv[1]?.endsWith('/dist/modelcars.js') === true;
}

/** The arguments of the last call of `field` with this `name` (or `path`); undefined without one. */
export function lastOf(container: Recorded, field: string, key: string): Call['args'] | undefined {
  return container.calls.findLast(
    (call) => call.field === field && (call.args.name === key || call.args.path === key),
  )?.args;
}

/** The names and paths through which a container receives a secret. */
export function waysOf(container: Recorded, secret: Recorded): string[] {
  return container.calls.flatMap(({ field, args }) =>
    Object.values(args).some((value) => isDeepStrictEqual(value, secret))
      ? [`${field} ${String(args.name ?? args.path)}`]
      : [],
  );
}

function isRecorded(value: unknown): value is Recorded {
  return typeof value === 'object' && value !== null && 'calls' in value;
}
