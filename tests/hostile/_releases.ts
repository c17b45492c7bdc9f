/** Small models for repeated releases, and the registries that they are pushed to. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCatalog, type TestModel, tryModelcars } from '../parts/cli.ts';
import { startRegistry } from '../parts/registry.ts';
import type { Result } from '../parts/run.ts';
import { startFake } from '../support/fake-registry.ts';

/** A registry to put behind a proxy. */
export interface Upstream extends AsyncDisposable {
  host: string;
}

export type UpstreamKind = 'fake' | 'docker-registry' | 'distribution';

/** The unit tests' registry, in this process, or a real one. */
export async function startUpstream(kind: UpstreamKind): Promise<Upstream> {
  return kind === 'fake' ? await startFake() : await startRegistry({ kind });
}

export interface Project extends AsyncDisposable {
  folder: string;
  /** `push` from a separate store, with any exit code. */
  push(registry: string, ...args: string[]): Promise<Result>;
}

/** A catalog of models (`iris` alone by default) with these bytes, for one platform and with the embedded base. */
export async function makeProject(
  content = 'iris',
  more: Record<string, unknown> = {},
  names = ['iris'],
): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'modelcars-release-'));
  const models = names.map(
    (name): TestModel => ({
      name,
      framework: 'sklearn',
      files: { 'model.joblib': `${content} of ${name}` },
      more: { base: 'embedded', platforms: ['linux/amd64'], ...more },
    }),
  );
  await makeCatalog(folder, models);
  return {
    folder,
    push: (registry, ...args) =>
      tryModelcars(['push', '--registry', `${registry}/team`, ...args], { cwd: folder }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A condition to wait for. */
export interface Gate {
  opened: Promise<void>;
  open(): void;
  isOpen(): boolean;
}

export function gate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isOpen = false;
  return {
    opened: promise,
    open() {
      isOpen = true;
      resolve();
    },
    isOpen: () => isOpen,
  };
}

/** Waits until that many callers have arrived; later callers do not wait. */
export function barrier(count: number): () => Promise<void> {
  const { opened, open } = gate();
  let come = 0;
  return async () => {
    if (++come >= count) open();
    await opened;
  };
}

/** The status that `--json` reports for each tag of the first model. */
export function tagsIn({
  stdout,
}: Result): Record<string, { current: boolean; moved: boolean; refused?: string }> {
  const [model] = (
    JSON.parse(stdout) as { models: { tags?: { tag: string; current: boolean; moved: boolean }[] }[] }
  ).models;
  return Object.fromEntries((model?.tags ?? []).map(({ tag, ...rest }) => [tag, rest]));
}
