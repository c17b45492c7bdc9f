/** The tests' registries, with the process whose CPU time is measured. */
import { startRegistry } from '../tests/parts/registry.ts';
import { childrenOf, nameOf } from './proc.ts';
import type { RegistryKind } from './types.ts';

export interface RunningRegistry {
  /** `ADDRESS:PORT` */
  host: string;
  pid?: number | undefined;
  stop(): Promise<void> | void;
}

/** Starts one that keeps its storage below `root` and listens on `address`. */
export async function startBenchRegistry(
  kind: RegistryKind,
  root: string,
  address = '127.0.0.1',
): Promise<RunningRegistry> {
  const others = new Set(childrenOf(process.pid));
  const { host, stop } = await startRegistry({ kind, root, address });
  const pid = childrenOf(process.pid).find((one) => !others.has(one) && /registry$/.test(nameOf(one) ?? ''));
  return { host, pid, stop };
}
