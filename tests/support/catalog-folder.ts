import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { ModelcarsError } from '../../scripts/errors.ts';
import type { Catalog } from '../../scripts/model/types.ts';
import { createProgress } from '../../scripts/terminal/progress.ts';

/** A framework.ts that serves `*.bin` and requires a model.bin; `change` edits its text. */
export function frameworkText(name: string, change: (text: string) => string = (text) => text): string {
  return change(`export default {
  name: '${name}',
  modelFormat: { name: 'test' },
  runtime: 'test-runtime',
  protocolVersion: 'v2',
  include: ['*.bin', 'LICENSE'],
  exclude: ['optimizer.bin'],
  requires: [{ anyOf: ['model.bin', 'weights.bin'], why: 'the runtime looks for no other name' }],
  place: (path: string) => (path === 'weights.bin' ? 'model.bin' : path),
  smoke: { path: '/v2/models/{name}/infer', body: {}, expect: { output: 'y', classes: [1], read: 'labels' } },
};
`);
}

/** A folder for one test, with a framework `testing`. */
export class Folder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(files: Record<string, string | Uint8Array> = {}): Promise<Folder> {
    const folder = new Folder(await mkdtemp(join(tmpdir(), 'modelcars-catalog-')));
    await folder.write({ 'frameworks/testing/framework.ts': frameworkText('testing'), ...files });
    return folder;
  }

  async write(files: Record<string, string | Uint8Array>): Promise<void> {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(this.path, path)), { recursive: true });
      await writeFile(join(this.path, path), content);
    }
  }

  /** Writes models.yaml and returns its path. */
  async catalog(text: string | Uint8Array): Promise<string> {
    await this.write({ 'models.yaml': text });
    return join(this.path, 'models.yaml');
  }

  /** A run of all models of a catalog here, which prints nothing and asks no registry by name or password. */
  async run(catalog: Catalog) {
    return {
      catalog,
      models: catalog.models,
      frozen: false,
      dryRun: false,
      store: join(this.path, 'store'),
      registry: {},
      signal: new AbortController().signal,
      progress: await createProgress({ stream: process.stderr, enabled: false, interactive: false }),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** The ModelcarsError that a promise must reject with. */
export async function failure(promise: Promise<unknown>): Promise<ModelcarsError> {
  const reason = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(reason).toBeInstanceOf(ModelcarsError);
  return reason as ModelcarsError;
}
