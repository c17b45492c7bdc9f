import { kyvernoPolicy } from './kyverno.ts';
import { kyvernoImageValidatingPolicy } from './kyverno-image-validating.ts';
import { openshiftPolicy } from './openshift.ts';
import { sigstorePolicy } from './sigstore.ts';
import type { Policy, PolicyInput, PolicyKind } from './types.ts';

const makers: Record<PolicyKind, (input: PolicyInput) => Policy> = {
  kyverno: kyvernoPolicy,
  'kyverno-image-validating': kyvernoImageValidatingPolicy,
  openshift: openshiftPolicy,
  sigstore: sigstorePolicy,
};

/** The policy that makes a cluster require the signatures. Fails with code `trust` for signers that it cannot name. */
export function makePolicy(kind: PolicyKind, input: PolicyInput): Policy {
  return makers[kind](input);
}
