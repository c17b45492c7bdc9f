import { isModel } from '../../model/catalog-entry.ts';
import { defaultCredentials } from '../../registry/auth/credentials.ts';
import { RegistryClient } from '../../registry/client.ts';
import { applyMirrors } from '../../registry/mirrors.ts';
import { parseReference, type Reference } from '../../registry/reference.ts';
import { logIn } from '../../registry/refusal.ts';
import { parseOciUri } from '../../sources/oci/uri.ts';
import { plain } from '../../text/format.ts';
import { repositoryName } from '../image-names.ts';
import type { CheckResult, DoctorOptions, Found } from './types.ts';

/** A registry that commands use, and a repository there as an example. */
export interface RegistryUse {
  reference: Reference;
  /** Whether images are pushed to it; otherwise base images or the models of `oci://` sources are pulled. */
  push: boolean;
  /** Whether models, not base images, are pulled. */
  models?: boolean;
}

/**
 * The registries of the catalog, one entry each: those pushed to first, then those of base images and of sources, through
 * mirrors.
 */
export function registriesOf({ catalog }: Found, { overrides }: DoctorOptions): RegistryUse[] {
  const uses = new Map<string, RegistryUse>();
  const add = (reference: Reference, push: boolean, models = false) => {
    if (!uses.has(reference.registry)) uses.set(reference.registry, { reference, push, models });
  };
  const models = catalog?.models ?? [];
  for (const model of models)
    if (model.registry !== undefined) add(parseReference(repositoryName(model)), true);
  // Without a catalog, any name serves as an example.
  if (catalog === undefined && overrides.registry !== undefined)
    add(parseReference(`${overrides.registry}/model`), true);
  for (const { base } of models)
    if (base !== 'embedded') add(applyMirrors(parseReference(base), catalog?.mirrors ?? {}), false);
  for (const { source } of models.filter(isModel)) {
    const parsed = parseOciUri(source);
    if (parsed.ok) add(applyMirrors(parsed.value.reference, catalog?.mirrors ?? {}), false, true);
  }
  return [...uses.values()];
}

/** Where the credentials for a registry come from, and whether it accepts them. Pushes nothing. */
export async function checkRegistry(
  { reference, push, models }: RegistryUse,
  options: DoctorOptions,
): Promise<CheckResult[]> {
  const { offline, signal, env } = options;
  const { insecure, caFile } = options.registry;
  const { registry, repository } = reference;
  const action = push ? 'push' : 'pull';
  const row = { check: 'registry', subject: registry } as const;
  const use = push ? 'to push to' : `to pull ${models ? 'models' : 'base images'} from`;
  if (offline) {
    // A login to Amazon ECR is a request.
    const credentials = defaultCredentials(env, push ? [registry] : [], signal, async () => undefined);
    const found = await credentials.find(registry, repository, action);
    const from = found === undefined ? 'no credentials' : `credentials from ${origin(found.origin)}`;
    return [{ ...row, status: 'ok', message: `${use}: ${from}; it was not asked` }];
  }
  await using client = new RegistryClient({
    env,
    own: push ? [registry] : [],
    retry: { tries: 1 },
    signal,
    ...(insecure && { insecure }),
    ...(caFile !== undefined && { caFile }),
  });
  const { account, challenged } = await client.logIn(reference, action);
  if (!challenged) return [{ ...row, status: 'ok', message: `${use}: requires no login` }];
  if (account.kind !== 'none') {
    const message = `${use}: accepts the credentials from ${origin(account.origin)}`;
    return [{ ...row, status: 'ok', message }];
  }
  if (!push) return [{ ...row, status: 'ok', message: `${use}: allows anonymous pulls; no credentials` }];
  const message = `${use}: no credentials; anonymous users can rarely push`;
  return [{ ...row, status: 'warn', message, next: logIn(registry) }];
}

function origin(text: string | undefined): string {
  return plain(text ?? 'the registry configuration', 200);
}
