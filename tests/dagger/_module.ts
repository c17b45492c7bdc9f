/**
 * Runs functions of the Dagger module as an engine would, through the published SDK, in a session that runs nothing.
 */
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { daggerSdk } from '../parts/daggersdk.ts';
import { missing } from '../parts/python.ts';
import { type Recorded, type Session, startSession } from './session.ts';

/**
 * The SDK's exports: its types come with an engine or with the SDK part, neither of which this repository's type check
 * needs.
 */
// biome-ignore lint/suspicious/noExplicitAny: see above
type Untyped = any;

const source = fileURLToPath(new URL('../../dagger/', import.meta.url));

/** The reason why the SDK is missing; undefined when it is installed. */
export function missingSdk(): Promise<string | undefined> {
  return missing(daggerSdk);
}

/** A module of the SDK, including those that only its own entry point uses. */
export async function sdk(path: string): Promise<Untyped> {
  const file = join(await daggerSdk(), '@dagger.io', 'dagger', 'dist', 'src', path);
  return await import(/* @vite-ignore */ pathToFileURL(file).href);
}

export interface Running {
  session: Session;
  /** The SDK's client of this session. */
  dag: Untyped;
  /** Sends a query unchanged. */
  ask(query: string): Promise<{ data?: Untyped; errors?: { message: string }[] }>;
}

/** Runs `work` in a new session. */
export async function withSession(body: (running: Running) => Promise<void>): Promise<void> {
  await using session = await startSession();
  const { dag, connection } = await sdk('index.js');
  await addDependency();
  const before = { ...process.env };
  Object.assign(process.env, session.env);
  try {
    await connection(async () => {
      await body({ session, dag, ask: (query) => ask(session, query) });
    });
  } finally {
    for (const name of Object.keys(session.env)) delete process.env[name];
    Object.assign(process.env, before);
  }
}

/** Adds to the SDK what an engine generates for the dependency dagger/program. */
async function addDependency(): Promise<void> {
  const { Client, Directory } = await sdk('api/client.gen.js');
  Client.prototype.modelcarsProgram = function modelcarsProgram(this: Untyped) {
    const program = this._ctx.select('modelcarsProgram');
    return { files: () => new Directory(program.select('files')) };
  };
}

async function ask({ env }: Session, query: string) {
  const response = await fetch(`http://127.0.0.1:${env.DAGGER_SESSION_PORT}/query`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${env.DAGGER_SESSION_TOKEN}:`)}` },
    body: JSON.stringify({ query }),
  });
  return (await response.json()) as { data?: Untyped; errors?: { message: string }[] };
}

/** A copy of the module's folder that imports the published SDK; the caller deletes it. */
export async function checkout(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'modelcars-dagger-'));
  const modules = await daggerSdk();
  for (const name of ['src', 'package.json', 'tsconfig.json'])
    await cp(join(source, name), join(folder, name), { recursive: true });
  await symlink(modules, join(folder, 'node_modules'));
  // The path of a generated SDK, which tsconfig.json refers to.
  await mkdir(join(folder, 'sdk'));
  const published = join(modules, '@dagger.io', 'dagger', 'dist', 'src');
  const client = join(published, 'api', 'client.gen.js');
  await writeFile(
    join(folder, 'sdk', 'index.ts'),
    `import type { Directory } from '${client}';
export * from '${join(published, 'index.js')}';
declare module '${client}' {
  interface Client {
    modelcarsProgram(): { files(): Directory };
  }
}
`,
  );
  await writeFile(
    join(folder, 'sdk', 'telemetry.ts'),
    `export * from '${join(published, 'telemetry', 'index.js')}';\n`,
  );
  await cp(join(published, 'api', 'client.gen.d.ts'), join(folder, 'sdk', 'client.gen.ts'));
  return folder;
}

/** An argument of a function, as the SDK reads it from the source for `dagger call --help`. */
export interface Argument {
  name: string;
  description: string;
  type: { kind: string; name?: string };
  isOptional: boolean;
  defaultValue?: unknown;
  defaultPath?: string;
  ignore?: string[];
}

export interface Function {
  name: string;
  description: string;
  arguments: Record<string, Argument>;
  /** `never`, `session`, a time to live, or empty for the engine's default. */
  cache: string;
  isCheck: boolean;
  returnType: { kind: string; name?: string };
}

/** A function of a chain, with its arguments: `registry --address quay.io/me`. */
export type Step = [name: string, args?: Values];

export interface Module {
  description: string;
  /** The functions of the module itself. */
  functions: Record<string, Function>;
  /** The functions of every object that a chain can lead to, by the object's name; includes the module. */
  objects: Record<string, Record<string, Function>>;
  constructorArguments: Record<string, Argument>;
  /** Sends the module's types to the session, as the engine requests when it loads a module. */
  register(): Promise<string>;
  /**
   * Constructs the module with `own` and calls a chain of functions, each on the result of the previous one. Arguments
   * are passed as the engine does: IDs for objects. Directories with a default path are filled in when not given.
   * Returns the object of an ID, or the value.
   */
  call(session: Session, chain: Step[], own?: Values): Promise<Untyped>;
}

export type Values = Record<string, unknown>;

/** The module, read by the SDK and loaded through vitest, which compiles the decorators. */
export async function openModule(): Promise<Module> {
  const folder = await checkout();
  try {
    const sources = await readdir(join(folder, 'src'), { recursive: true });
    const files = sources.filter((name) => name.endsWith('.ts')).map((name) => join(folder, 'src', name));
    const { scan } = await sdk('module/introspector/index.js');
    const scanned = await scan([...files, join(folder, 'sdk', 'client.gen.ts')], 'modelcars', false);
    const { Register } = await sdk('module/entrypoint/register.js');
    const { Executor } = await sdk('module/executor.js');
    const { invoke } = await sdk('module/entrypoint/invoke.js');
    const entries = sources.filter((name) => name.endsWith('.ts')).map((name) => join(source, 'src', name));
    const modules = entries.map((file) => import(/* @vite-ignore */ pathToFileURL(file).href));
    const executor = new Executor(await Promise.all(modules), scanned);
    const main = scanned.objects[scanned.name];
    return {
      description: scanned.description,
      functions: main.methods,
      objects: Object.fromEntries(
        Object.entries<Untyped>(scanned.objects).map(([name, { methods }]) => [name, methods]),
      ),
      constructorArguments: main._constructor?.arguments ?? {},
      register: () => new Register(scanned).run(),
      async call(session, chain, own = {}) {
        let parentName: string = scanned.name;
        const made = { parentName, fnName: '', parentArgs: {} };
        const fnArgs = filled(session, main._constructor?.arguments ?? {}, own);
        let value = main._constructor ? await invoke(executor, scanned, { ...made, fnArgs }) : {};
        for (const [name, args = {}] of chain) {
          const method = scanned.objects[parentName]?.methods[name];
          if (!method) throw new Error(`${parentName} has no function ${name}`);
          // Between two calls an engine keeps an object as JSON.
          const called = { parentName, fnName: name, parentArgs: JSON.parse(JSON.stringify(value)) };
          const given = filled(session, method.arguments, args);
          value = await invoke(executor, scanned, { ...called, fnArgs: given });
          parentName = method.returnType.name ?? '';
          if (method.returnType.kind === 'OBJECT_KIND' && !(parentName in scanned.objects))
            value = session.object(value);
        }
        return value;
      },
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The arguments, plus those that an engine adds: folders of default paths, and defaults that are plain values. */
function filled(session: Session, known: Record<string, Argument>, args: Values): Values {
  for (const name of Object.keys(args)) if (!(name in known)) throw new Error(`there is no argument ${name}`);
  const values: Values = {};
  for (const { name, type, defaultPath, defaultValue, ignore } of Object.values(known)) {
    const value =
      args[name] ?? (defaultPath === undefined ? defaultValue : contextual(type.name, defaultPath, ignore));
    const asId = (one: unknown) => (isRecorded(one) ? session.id(one) : one);
    if (value !== undefined) values[name] = Array.isArray(value) ? value.map(asId) : asId(value);
  }
  return values;
}

/**
 * An engine's value for a default path, with a made-up `context` call that tests can recognize in the module's queries.
 */
function contextual(type = '', path: string, ignore: string[] = []): Recorded {
  return { type, calls: [{ field: 'context', args: { path, ignore } }] };
}

function isRecorded(value: unknown): value is Recorded {
  return typeof value === 'object' && value !== null && 'calls' in value;
}

/** An argument from the command line: `--password env:PASSWORD`. */
export function given(type: string, address: string): Recorded {
  return { type, calls: [{ field: 'given', args: { address } }] };
}
