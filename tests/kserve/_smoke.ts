/** `modelcars smoke` as a user runs it, with the clusters of this suite. */
import { join } from 'node:path';
import { expect } from 'vitest';
import type { SmokeResult } from '../../scripts/kserve/types.ts';
import { root, tryModelcars } from '../parts/cli.ts';
import type { KServeVersion } from '../parts/kube/kserve.ts';
import { ready } from './_cluster.ts';

/** The classic models of the repository's own catalog. */
export const classics = ['mlserver-sklearn', 'mlserver-xgboost', 'mlserver-lightgbm'];

/** The repository's catalog. */
export const catalog = join(root, 'models.yaml');

export interface Smoked {
  code: number | undefined;
  results: SmokeResult[];
  /** All messages. */
  stderr: string;
  /** The document on stdout; with an error, the reason why nothing was tested. */
  document: { error?: unknown };
}

/** An environment in which clusters are made of this suite's parts, with this KServe; nothing is downloaded. */
export function clusterEnv(version: KServeVersion): Record<string, string | undefined> {
  const { env, manifests } = ready();
  return {
    ...env,
    MODELCARS_KSERVE_VERSION: version,
    MODELCARS_KSERVE_MANIFESTS: manifests[version].join(),
    // Unset, so that the user's kubeconfig is left alone.
    KUBECONFIG: undefined,
  };
}

/** Runs `modelcars smoke ARGS… --json`; accepts any exit code. */
export async function smoke(
  args: string[],
  settings: { cwd: string; version?: KServeVersion; env?: Record<string, string | undefined> },
): Promise<Smoked> {
  const { cwd, version = 'v0.20.0', env } = settings;
  const ran = await tryModelcars(['smoke', ...args, '--json'], {
    cwd,
    env: { ...clusterEnv(version), ...env },
    timeout: 1_200_000,
  });
  const document: { results?: SmokeResult[]; error?: unknown } = JSON.parse(ran.stdout || '{}');
  return { code: ran.code, results: document.results ?? [], stderr: ran.stderr, document };
}

/** Expects this number of cases, all passed; on failure shows the output of smoke. */
export function expectAllPassed({ code, results, stderr, document }: Smoked, count: number): void {
  const failed = results.filter(({ status }) => status !== 'passed');
  expect({ code, failed, count: results.length }, `${JSON.stringify(document.error)}\n${stderr}`).toEqual({
    code: 0,
    failed: [],
    count,
  });
}
