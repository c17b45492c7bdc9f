/** What the numbers were measured on. */
import { cpus, release, totalmem } from 'node:os';
import { run } from '../tests/parts/run.ts';
import { diskFolder } from './disk.ts';
import { findTool } from './tools.ts';

/** What → value, for the report; names no folder and no host. */
export async function machine(): Promise<Record<string, string>> {
  const [first] = cpus();
  const mount = await run('df', ['--output=fstype', await diskFolder()]);
  const registry = await findTool('docker-registry');
  return {
    CPU: `${cpus().length} × ${first?.model.trim() ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 1024 ** 3)} GiB`,
    kernel: `Linux ${release()}`,
    'file system': mount.trim().split('\n').at(-1) ?? 'unknown',
    registry: `docker-registry ${registry?.version ?? ''} on the loopback interface, storage on the same disk`,
    Node: process.version,
  };
}
