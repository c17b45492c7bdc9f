import pLimit from 'p-limit';
import { lockCommand } from '../catalog/lock-path.ts';
import { ModelcarsError } from '../errors.ts';
import { pathError } from '../files/atomic.ts';
import type { Catalog } from '../model/types.ts';
import type { Task } from '../terminal/types.ts';
import type { Outcome, RunOptions } from './types.ts';

/**
 * Runs `work` for every model, a few at a time (`concurrency`, 4 by default), with one progress task per model. A
 * failure becomes that model's outcome and stops no other model; after a cancellation no further model is started.
 */
export async function forEachModel<M extends { name: string }>(
  options: Pick<RunOptions, 'concurrency' | 'progress' | 'signal'> & {
    models: readonly M[];
    catalog?: Catalog | undefined;
    verb?: string;
  },
  work: (model: M, task: Task) => Promise<Outcome>,
): Promise<Outcome[]> {
  const limit = pLimit(options.concurrency ?? 4);
  return Promise.all(
    options.models.map((model) =>
      limit(async (): Promise<Outcome> => {
        if (options.signal.aborted) return { model: model.name, status: 'failed', error: cancelled() };
        const task = options.progress.task(
          options.verb === undefined ? model.name : `${options.verb} ${model.name}`,
        );
        try {
          const outcome = await work(model, task);
          task.done(outcome.status);
          return outcome;
        } catch (cause) {
          const error = options.signal.aborted
            ? cancelled(cause)
            : withCommand(asModelcarsError(cause), options.catalog, model.name);
          task.fail(error.message);
          return { model: model.name, status: 'failed', error };
        }
      }),
    ),
  );
}

/**
 * Completes the command in the next step, if it is to lock again: sources and bases, which suggest it, know neither the
 * model nor the catalog.
 */
function withCommand(error: ModelcarsError, catalog: Catalog | undefined, model: string): ModelcarsError {
  if (catalog === undefined) return error;
  const next = error.next
    ?.replaceAll('`modelcars lock --upgrade`', () => `\`${lockCommand(catalog, ['--upgrade', model])}\``)
    .replaceAll('`modelcars lock`', () => `\`${lockCommand(catalog)}\``);
  if (next === undefined || next === error.next) return error;
  return new ModelcarsError(error.code, error.message, { next, cause: error });
}

function cancelled(cause?: unknown): ModelcarsError {
  return new ModelcarsError('cancelled', 'stopped before it was done', {
    next: 'run the same command again: it skips what is done',
    cause,
  });
}

function asModelcarsError(error: unknown): ModelcarsError {
  if (error instanceof ModelcarsError) return error;
  const path = error instanceof Error && 'path' in error ? ` ${String(error.path)}` : '';
  const known = pathError(`use file${path}`, error);
  if (known instanceof ModelcarsError) return known;
  const message = error instanceof Error ? error.message : String(error);
  return new ModelcarsError('bug', `unexpected failure: ${message}`, {
    next: 'run again with DEBUG=modelcars and report what it shows',
    cause: error,
  });
}
