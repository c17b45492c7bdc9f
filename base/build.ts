import { chmod, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import yargs from 'yargs';
import { ModelcarsError } from '../scripts/errors.ts';
import type { Digest } from '../scripts/image/types.ts';
import { compile, requireGo } from './compile.ts';
import { writeLayout } from './layout.ts';
import { platforms } from './platforms.ts';
import { rootfsTar } from './rootfs.ts';

/** The layout committed to the repository. */
export const committedLayout = join(import.meta.dirname, 'layout');

/**
 * Compiles the program for every platform and writes the layout to `output`, replacing an existing one only once the
 * build is complete. Returns the digest of the image index. Needs Go and, the first time, network access for its
 * modules.
 */
export async function build(output: string, env = process.env): Promise<Digest> {
  const source = import.meta.dirname;
  await requireGo(source, env);
  const scratch = await mkdtemp(join(tmpdir(), 'modelcars-base-'));
  const finished = await mkdtemp(`${resolve(output)}.tmp-`);
  try {
    await chmod(finished, 0o755);
    const tars = new Map<string, Uint8Array>();
    for (const platform of platforms) {
      const binary = join(scratch, platform.architecture);
      await compile(source, platform, binary, env);
      tars.set(platform.architecture, await rootfsTar(source, await readFile(binary)));
    }
    const { digest } = await writeLayout(finished, tars);
    await rm(output, { recursive: true, force: true });
    await rename(finished, output);
    return digest;
  } finally {
    await rm(scratch, { recursive: true, force: true });
    await rm(finished, { recursive: true, force: true });
  }
}

/**
 * Builds the layout again in a temporary folder and compares it with the one in `committed`, byte for byte. Returns the
 * digest of the image index; fails with both digests and the files that differ.
 */
export async function check(committed: string, env = process.env): Promise<Digest> {
  const scratch = await mkdtemp(join(tmpdir(), 'modelcars-base-'));
  try {
    const rebuilt = join(scratch, 'layout');
    const digest = await build(rebuilt, env);
    const [ours, theirs] = await Promise.all([contents(rebuilt), contents(committed)]);
    const names = [...new Set([...ours.keys(), ...theirs.keys()])].sort();
    const different = names.filter((name) => !ours.get(name)?.equals(theirs.get(name) ?? Buffer.alloc(0)));
    if (different.length === 0) return digest;
    const there = /sha256:[0-9a-f]{64}/.exec(theirs.get('index.json')?.toString() ?? '')?.[0] ?? 'no index';
    throw new ModelcarsError(
      'integrity',
      `check the embedded base: the source gives ${digest}, ${committed} has ${there} (${different.join(', ')})`,
      { next: 'run `node base/build.ts` and commit base/layout together with the change of its source' },
    );
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Every file below a folder, by relative name. */
async function contents(folder: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(files.map(async (file) => [relative(folder, file), await readFile(file)] as const)),
  );
}

async function main(): Promise<void> {
  const args = await yargs(process.argv.slice(2))
    .scriptName('node base/build.ts')
    .usage('$0: builds the embedded base image from the Go source in base/')
    .option('check', {
      type: 'boolean',
      default: false,
      describe: 'compare with the layout instead of writing it',
    })
    .option('output', {
      type: 'string',
      default: committedLayout,
      describe: 'folder of the OCI image layout',
    })
    .strict()
    .parse();
  const output = resolve(args.output);
  try {
    const digest = args.check ? await check(output) : await build(output);
    console.log(
      `${digest} ${relative(dirname(import.meta.dirname), output)}${args.check ? ' is up to date' : ''}`,
    );
  } catch (error) {
    if (!(error instanceof ModelcarsError)) throw error;
    console.error(`${error.message}${error.next === undefined ? '' : `\n${error.next}`}`);
    process.exitCode = error.exitCode;
  }
}

if (import.meta.main) await main();
