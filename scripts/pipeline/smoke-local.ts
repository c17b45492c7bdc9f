import { join } from 'node:path';
import { ModelcarsError } from '../errors.ts';
import type { SmokeResult } from '../kserve/types.ts';
import { distrustOf, requireTrust } from '../store/trust.ts';
import type { FoundImages } from './open-images.ts';
import type { Session } from './session.ts';
import type { SmokeOptions } from './smoke-options.ts';
import type { ModelTest } from './smoke-test.ts';

/** Runs the smoke test without a cluster, one model at a time, so that each server has all CPUs of this machine. */
export async function smokeLocally(
  session: Session,
  tests: readonly ModelTest[],
  images: FoundImages,
  { wishes, signal, progress }: SmokeOptions,
): Promise<SmokeResult[]> {
  const { serverImage, serverCommand, security, timeout } = wishes;
  if (serverImage !== undefined && serverCommand !== undefined) {
    throw new ModelcarsError('usage', '--server-image and --server-command exclude each other');
  }
  // The store's environment is executed, so the store has to be trusted. Other servers are the user's own.
  if (serverImage === undefined && serverCommand === undefined)
    requireTrust(distrustOf(session.store.folder), 'run a model server from the store');
  const { smokeLocal } = await import('../kserve/local/local.ts');
  const server =
    serverImage !== undefined
      ? { image: serverImage }
      : serverCommand !== undefined
        ? { command: serverCommand }
        : undefined;
  const results: SmokeResult[] = [];
  for (const { model, test } of tests) {
    for (const as of security.length > 0 ? security : [undefined]) {
      const task = progress.task(`${model.name} local${as === undefined ? '' : ` ${as}`}`);
      const { store, entry } = images.of(model);
      try {
        const result = await smokeLocal({
          model,
          framework: session.framework(model),
          smoke: test,
          image: { store, name: entry },
          cache: join(session.store.folder, 'servers'),
          timeout,
          signal,
          say: (line) => task.note(line),
          warn: (line) => progress.warn(`${model.name}: ${line}`),
          ...(as !== undefined && { security: as }),
          ...(server && { server }),
        });
        results.push(result);
        if (result.status === 'failed') task.fail(result.diagnosis?.what ?? 'failed');
        else task.done(result.status === 'passed' ? 'correct prediction' : `skipped: ${result.reason ?? ''}`);
      } catch (error) {
        task.fail(error instanceof Error ? error.message : String(error));
        throw error;
      }
    }
  }
  return results;
}
