import type { Serving, Variable } from '../../model/types.ts';

/** Kubernetes' EnvVar. */
export type EnvVar = { name: string } & ({ value: string } | Exclude<Variable, string>);

/** The variables of a model as a container has them. */
export function envVars(serving: Serving | undefined): EnvVar[] {
  return Object.entries(serving?.env ?? {}).map(([name, value]) =>
    typeof value === 'string' ? { name, value } : { name, ...value },
  );
}

/** The variables whose values are in models.yaml, and the names of those that only a cluster has. */
export function knownVariables(serving: Serving | undefined): {
  known: Record<string, string>;
  ofCluster: string[];
} {
  const known: Record<string, string> = {};
  const ofCluster: string[] = [];
  for (const [name, value] of Object.entries(serving?.env ?? {}))
    if (typeof value === 'string') known[name] = value;
    else ofCluster.push(name);
  return { known, ofCluster };
}
