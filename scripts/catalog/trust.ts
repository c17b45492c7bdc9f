import { resolve } from 'node:path';
import { z } from 'zod';
import type { Trust, TrustedSigner } from '../model/trust.ts';
import { checked, complain, listOf, oneLine, strict } from './fields.ts';

const identityForms =
  'a signer: `{key: cosign.pub}`, or `{identity: …, issuer: …}` with the URL of a CI workflow and of its issuer';

const issuer = checked('the URL of an OIDC issuer', (value) =>
  /^https?:\/\/[^\s/]+(\/\S*)?$/.test(value)
    ? undefined
    : { expected: 'the URL of an OIDC issuer, such as `https://token.actions.githubusercontent.com`' },
);

/** Nested quantifiers take exponential time on a hostile subject; a pattern for one workflow needs none. */
const pattern = checked('a regular expression', (value) => {
  const expected = 'a regular expression for the whole identity, of at most 1000 characters';
  if (value.length > 1000) return { expected };
  if (/[+*}]\)[+*{]/.test(value)) return { expected, hint: '; a repeated group must not repeat inside' };
  try {
    new RegExp(value, 'u');
    return undefined;
  } catch {
    return { expected };
  }
});

const signerFields = strict(identityForms, {
  key: oneLine('the path of a public key', 4096)
    .describe('Path of a public key in PEM, such as the cosign.pub of `cosign generate-key-pair`.')
    .exactOptional(),
  transparencyLog: z
    .boolean({ error: ({ input }) => complain('`true` or `false`', input) })
    .describe('With `key`: whether the signature must be in a transparency log of the trusted root.')
    .exactOptional(),
  identity: oneLine('the identity of a signer', 2048)
    .describe('Subject of the signing certificate: the URL of the CI workflow, or an e-mail address.')
    .exactOptional(),
  identityPattern: pattern
    .describe('Regular expression for the whole identity, instead of `identity`.')
    .exactOptional(),
  issuer: issuer.describe('OIDC issuer that vouches for the identity.').exactOptional(),
});
const signer = signerFields.superRefine((value, context) => {
  const complainAbout = (message: string) => context.addIssue({ code: 'custom', message });
  const identities = [value.identity, value.identityPattern].filter((one) => one !== undefined).length;
  if (value.key !== undefined && (identities > 0 || value.issuer !== undefined))
    complainAbout('a signer has a `key`, or an identity with an `issuer`: not both');
  else if (value.key === undefined && (identities !== 1 || value.issuer === undefined))
    complainAbout(complain(identityForms, value));
  else if (value.key === undefined && value.transparencyLog !== undefined)
    complainAbout('`transparencyLog` belongs to a `key`: identities are always in a log');
});

/** The keys of a signer, for suggestions. */
export const signerKeys = Object.keys(signerFields.shape);

/** `trust:` of models.yaml. */
export const trustSchema = strict('who signs the images, as in `{signers: [{key: cosign.pub}]}`', {
  signers: listOf(signer, 'signers, as in `[{key: cosign.pub}]`')
    .min(1, { error: 'expected at least one signer' })
    .describe('Who signs the images: any of them is enough.'),
  trustedRoot: oneLine('the path of a trusted root', 4096)
    .describe('Path of a Sigstore trusted root (JSON): for a private Sigstore, or without network.')
    .exactOptional(),
});

/** Trust with absolute paths; those of `input` start at `directory`. */
export function toTrust(input: z.infer<typeof trustSchema>, directory: string): Trust {
  return {
    signers: input.signers.map((one) => toSigner(one, directory)),
    ...(input.trustedRoot !== undefined && { trustedRoot: resolve(directory, input.trustedRoot) }),
  };
}

function toSigner(input: z.infer<typeof signer>, directory: string): TrustedSigner {
  const { key, transparencyLog, identity, identityPattern, issuer: by = '' } = input;
  if (key !== undefined)
    return { key: resolve(directory, key), ...(transparencyLog === true && { transparencyLog }) };
  return {
    ...(identity !== undefined && { identity }),
    ...(identityPattern !== undefined && { identityPattern }),
    issuer: by,
  };
}
