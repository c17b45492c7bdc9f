/** Programs built from a Go module whose own go.mod `go install` refuses: it replaces modules, by folders too. */
import { rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cached, PartMissing } from '../parts.ts';
import { run, tryRun } from '../run.ts';

export interface GoBuild {
  /** Begins the name of the cache's folder. */
  name: string;
  module: string;
  version: string;
  /** Packages below the module. One of several makes a program named after its last part; a single one is called `name`. */
  packages: [string, ...string[]];
  /** The version of the modules that go.mod replaces by a folder of the repository; without it they are not replaced. */
  inside?: string;
  /** On top of `-s -w`. */
  ldflags?: string;
  tags?: string;
  /** A main.go that imports the module, instead of a package of it. */
  main?: string;
  /** Makes more in the folder of the programs, from the module's files. */
  finish?(folder: string, source: string): Promise<void>;
}

/** `go mod edit -json`, as far as it is read here. */
interface GoMod {
  Go: string;
  Replace?: { Old: { Path: string; Version?: string }; New: { Path: string; Version?: string } }[] | null;
}

/** All of Kubernetes on a slow machine that has other work too, in milliseconds. */
const patience = 3_600_000;

/** The folder that holds the programs; built first when need be. Throws PartMissing without Go. */
export async function goPrograms(build: GoBuild): Promise<string> {
  const { name, module, version, packages, main, ldflags = '', tags = '' } = build;
  const [first] = packages;
  const single = packages.length === 1;
  const program = await cached(
    `${name}-${version}-${process.arch}`,
    single ? name : (first.split('/').at(-1) ?? first),
    async (folder) => {
      const source = await goModule(module, version);
      // In a wrapper module: only there do its replacements apply.
      await writeFile(join(folder, 'go.mod'), await wrapperOf(build, source));
      const env = { CGO_ENABLED: '0', GOFLAGS: '-mod=mod -trimpath -buildvcs=false' };
      const output = single ? join(folder, name) : `${folder}/`;
      const flags = [`-ldflags=-s -w ${ldflags}`, `-tags=${tags}`, '-o', output];
      if (main !== undefined) await writeFile(join(folder, 'main.go'), main);
      const paths = main === undefined ? packages.map((path) => join(module, path)) : ['.'];
      await run('go', ['build', ...flags, ...paths], { cwd: folder, env, timeout: patience });
      for (const file of ['go.mod', 'go.sum', 'main.go']) await rm(join(folder, file), { force: true });
      await build.finish?.(folder, source);
    },
  );
  return dirname(program);
}

/** The folder with a module's files, read-only; downloaded first when need be. Throws PartMissing without Go. */
export async function goModule(module: string, version: string): Promise<string> {
  const download = ['mod', 'download', '-json', `${module}@${version}`];
  // Outside any module, so that no go.mod applies.
  const tried = await tryRun('go', download, { cwd: '/', env: { GOFLAGS: '' } }).catch(() => undefined);
  if (!tried) throw new PartMissing(`${module} is built here: install Go (1.25 or newer)`);
  const { Dir, Error: failure }: { Dir?: string; Error?: string } = JSON.parse(tried.stdout || '{}');
  if (tried.code !== 0 || Dir === undefined) {
    throw new Error(`download ${module}@${version}: ${failure ?? tried.stderr}`);
  }
  return Dir;
}

async function wrapperOf({ module, version, inside }: GoBuild, source: string): Promise<string> {
  const said: GoMod = JSON.parse(await run('go', ['mod', 'edit', '-json', join(source, 'go.mod')]));
  const lines = ['module modelcars.test/wrapper', `go ${said.Go}`, `require ${module} ${version}`];
  for (const { Old, New } of said.Replace ?? []) {
    const old = [Old.Path, Old.Version].filter(Boolean).join(' ');
    if (New.Version) lines.push(`replace ${old} => ${New.Path} ${New.Version}`);
    else if (inside !== undefined) lines.push(`replace ${old} => ${Old.Path} ${inside}`);
  }
  return `${lines.join('\n')}\n`;
}
