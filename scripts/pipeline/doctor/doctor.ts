import { readFile } from 'node:fs/promises';
import { packageFile } from '../../package.ts';
import { checkCatalog } from './catalog.ts';
import { checkHub, checkHubModels } from './hub.ts';
import { limited } from './limit.ts';
import { checkOutput, checkStore, checkVersions } from './machine.ts';
import { checkRegistry, registriesOf } from './registries.ts';
import { checkCluster, checkEngine, checkPython } from './serving.ts';
import type { CheckName, CheckResult, DoctorOptions, Found } from './types.ts';

/** Checks without which no command works: only their failure makes `doctor` fail. */
const essential: readonly CheckName[] = ['node', 'catalog'];

/**
 * Checks everything that commands depend on, all at the same time and each within the time limit. Fails only with code
 * `cancelled`; every other failure is a result. Writes nothing.
 */
export async function doctor(options: DoctorOptions): Promise<{ healthy: boolean; checks: CheckResult[] }> {
  const found: Found = {};
  const catalog = limited({ check: 'catalog' }, (own) => checkCatalog(own, found), options);
  const results = await Promise.all([
    limited({ check: 'node' }, async (own) => checkVersions(own, await nodeRange()), options),
    catalog,
    limited({ check: 'hub' }, checkHub, options),
    catalog.then(() => limited({ check: 'hub-model' }, (own) => checkHubModels(own, found), options)),
    catalog.then(() => checkRegistries(options, found)),
    catalog.then(() => limited({ check: 'store' }, (own) => checkStore(own, found), options)),
    catalog.then(() => limited({ check: 'output' }, (own) => checkOutput(own, found), options)),
    limited({ check: 'python' }, checkPython, options),
    limited({ check: 'container-engine' }, checkEngine, options),
    limited({ check: 'cluster' }, checkCluster, options),
  ]);
  const checks = results.flat();
  const healthy = !checks.some(({ check, status }) => status === 'fail' && essential.includes(check));
  return { healthy, checks };
}

async function checkRegistries(options: DoctorOptions, found: Found): Promise<CheckResult[]> {
  let uses: ReturnType<typeof registriesOf> = [];
  // A wrong mirror, or a base that is no reference.
  const problem = await limited(
    { check: 'registry' },
    async (own) => {
      uses = registriesOf(found, own);
      return [];
    },
    options,
  );
  const results = await Promise.all(
    uses.map((use) =>
      limited(
        { check: 'registry', subject: use.reference.registry },
        (own) => checkRegistry(use, own),
        options,
      ),
    ),
  );
  return [...problem, ...results.flat()];
}

/** The range of Node versions in package.json. */
async function nodeRange(): Promise<string> {
  const text = await readFile(packageFile('package.json'), 'utf8');
  return (JSON.parse(text) as { engines: { node: string } }).engines.node;
}
