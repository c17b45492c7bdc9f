import type { Container, Directory } from '@dagger.io/dagger';
import { stdoutOf, withProgramError } from './errors.ts';
import { modelcars, type Settings, uncached, work } from './program.ts';

/** Whether a folder is the repository of modelcars itself, with its example models, and no caller's catalog. */
export async function isExamples(source: Directory): Promise<boolean> {
  return await source.exists('scripts/modelcars.ts');
}

/**
 * Throws for the example models unless the caller names some of them: a default path leads there when the module is called from a folder
 * that is not given, and they are nobody's to publish.
 */
export async function refuseExamples(what: string, source: Directory, models: string[]): Promise<void> {
  if (models.length > 0 || !(await isExamples(source))) return;
  throw new Error(
    `${what}: this is the catalog of modelcars itself, with its example models\n` +
      'next: pass the folder of your models.yaml, --source . for example, or name examples with --models',
  );
}

/** Fails when models.lock.yaml is missing or not up to date with models.yaml and the local files. */
export async function checkLock(settings: Settings, source: Directory): Promise<void> {
  await stdoutOf(
    at(settings.connected, source).withExec(modelcars('lock', '--frozen', ...settings.connection)),
  );
}

/** Fails when a model has no licence that `allowLicenses:` of the catalog allows; passes without one. */
export async function checkLicences(settings: Settings, source: Directory): Promise<void> {
  if (!(await hasField(source, 'allowLicenses'))) return;
  const words = modelcars('build', '--dry-run', ...settings.connection);
  await withProgramError(() => at(settings.connected, source).withExec(words).sync());
}

/**
 * Fails when an image in the catalog's registry is not what the catalog describes, or no signer of `trust:` signed it; passes when the
 * catalog has no `trust:` or no `registry:`.
 */
export async function checkSignatures(settings: Settings, source: Directory): Promise<void> {
  if (!(await hasField(source, 'trust')) || !(await hasField(source, 'registry'))) return;
  const words = modelcars('verify', '--remote', ...settings.trustFlags, ...settings.connection);
  await stdoutOf(uncached(at(settings.connected, source)).withExec(words));
}

function at(container: Container, source: Directory): Container {
  return container.withDirectory(work, source);
}

/** Whether models.yaml has a field at its top level. */
async function hasField(source: Directory, name: string): Promise<boolean> {
  const text = await withProgramError(() => source.file('models.yaml').contents());
  return new RegExp(`^["']?${name}["']?:`, 'm').test(text);
}
