/** The machine that the numbers were measured on. */
import { cpus, release, totalmem } from 'node:os';
import { run } from '../tests/parts/run.ts';
import { diskFolder } from './disk.ts';
import { findTool } from './tools.ts';
import type { RegistryKind } from './types.ts';

/** Property → value, for the report; names no folder and no host. */
export async function machine(
  kind: RegistryKind,
  inMemory: boolean,
  cdn: boolean,
): Promise<Record<string, string>> {
  const [first] = cpus();
  const mount = await run('df', ['--output=fstype', await diskFolder()]);
  const registry = await findTool(kind);
  const nginx = cdn ? await findTool('nginx') : undefined;
  const storage = inMemory ? 'in memory' : 'on the same disk';
  return {
    CPU: `${cpus().length} × ${first?.model.trim() ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 1024 ** 3)} GiB`,
    kernel: `Linux ${release()}`,
    'file system': mount.trim().split('\n').at(-1) ?? 'unknown',
    registry: `${kind} ${registry?.version ?? ''} on the loopback interface, storage ${storage}`,
    ...(nginx && { hub: `the tests' own, its large files by nginx ${nginx.version}` }),
    Node: process.version,
  };
}
