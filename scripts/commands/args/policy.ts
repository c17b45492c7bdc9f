import type { PolicyKind } from '../../trust/policy/types.ts';
import { type Arg, groups, readFlag, usage } from './option.ts';

const group = groups.show;

/** `--kyverno [KIND]`, `--openshift` or `--sigstore`: exactly one. */
export const policyKind: Arg<PolicyKind> = {
  options: {
    kyverno: {
      type: 'string',
      bare: true,
      describe: "Kyverno's ClusterPolicy, or with =image-validating the ImageValidatingPolicy of 1.19",
      group,
    },
    openshift: { type: 'boolean', describe: "OpenShift's ClusterImagePolicy", group },
    sigstore: { type: 'boolean', describe: "the ClusterImagePolicy of Sigstore's policy-controller", group },
  },
  read(parsed) {
    const kinds: PolicyKind[] = [];
    const { kyverno } = parsed;
    if (kyverno === '') kinds.push('kyverno');
    else if (kyverno === 'image-validating') kinds.push('kyverno-image-validating');
    else if (kyverno !== undefined)
      throw usage(
        `--kyverno ${String(kyverno)}: can only be followed by image-validating`,
        'put it behind the names of models',
      );
    if (readFlag(parsed, 'openshift')) kinds.push('openshift');
    if (readFlag(parsed, 'sigstore')) kinds.push('sigstore');
    const [kind, ...more] = kinds;
    if (kind === undefined || more.length > 0)
      throw usage('policy takes one of --kyverno, --openshift and --sigstore');
    return kind;
  },
};
