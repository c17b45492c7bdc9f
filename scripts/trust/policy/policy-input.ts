import { createHash } from 'node:crypto';
import type { Trust, TrustedSigner } from '../../model/trust.ts';
import { loadPublicKey } from '../keys/public-key.ts';
import { loadTrustedRoot } from '../verification/trusted-root.ts';
import { goPattern } from './go-pattern.ts';
import { privateRoot } from './private-root.ts';
import type { PolicyInput, PolicySigner } from './types.ts';

/** Kubernetes object names: DNS-1123 labels of at most 63 characters. */
const longestName = 63;

/** Reads keys and trusted root. Fails with code `trust` when one cannot be read. */
export async function policyInput(trust: Trust, prefixes: readonly string[]): Promise<PolicyInput> {
  const sorted = [...new Set(prefixes)].sort();
  const signers = await Promise.all(trust.signers.map(policySigner));
  const input = { name: policyName(sorted), prefixes: sorted, signers };
  // A key without a log needs no Sigstore.
  const isKeyOnly = signers.every((signer) => 'key' in signer && !signer.transparencyLog);
  if (trust.trustedRoot === undefined || isKeyOnly) return input;
  const { TrustedRoot } = await import('@sigstore/protobuf-specs');
  const root = await loadTrustedRoot(trust.trustedRoot);
  return { ...input, root: privateRoot(root, JSON.stringify(TrustedRoot.toJSON(root))) };
}

/** `modelcars-quay-io-me`: another catalog's policy has another name. */
export function policyName(prefixes: readonly string[]): string {
  const name = ['modelcars', ...prefixes].join('-').toLowerCase();
  const clean = name.replaceAll(/[^a-z0-9]+/g, '-').replace(/-$/, '');
  if (clean.length <= longestName) return clean;
  const hash = createHash('sha256').update(prefixes.join(' ')).digest('hex').slice(0, 8);
  return `${clean.slice(0, longestName - 9).replace(/-$/, '')}-${hash}`;
}

async function policySigner(signer: TrustedSigner): Promise<PolicySigner> {
  if ('key' in signer) {
    const key = (await loadPublicKey(signer.key)).export({ type: 'spki', format: 'pem' });
    return { key: key.toString(), transparencyLog: signer.transparencyLog === true };
  }
  const { issuer, identity, identityPattern } = signer;
  if (identityPattern !== undefined) return { issuer, pattern: goPattern(identityPattern) };
  return { issuer, subject: identity ?? '' };
}
