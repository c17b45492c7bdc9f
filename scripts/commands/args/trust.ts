import type { Trust, TrustedSigner } from '../../model/trust.ts';
import { type Arg, choice, flag, groups, readList, text, usage } from './option.ts';

const group = groups.trust;

const unsafeFilesModes = ['refuse', 'warn', 'allow'] as const;
export const unsafeFiles = choice('unsafe-files', unsafeFilesModes, {
  describe: 'files that can run code: refuse, warn or allow (default: warn for file:, otherwise refuse)',
  group,
});

export const sign = flag('sign', {
  describe: 'sign what is pushed, before its tags are set: by --key, or by the identity of the CI job',
  group,
});

export const attest = flag('attest', {
  describe: 'attach signed provenance (SLSA) and bill of materials (CycloneDX)',
  group,
});

/** One option: to sign with the private key, and to verify with any of several public keys. */
const keyOption = {
  key: {
    type: 'string',
    array: true,
    describe:
      'key in PEM: to sign a path, env://VARIABLE or NAME://ID of a key service; to verify the public key',
    group,
  },
} as const;

const privateKey: Arg<string | undefined> = {
  options: keyOption,
  read(parsed) {
    const keys = readList(parsed, 'key');
    if (keys.length > 1) throw usage(`--key is given ${keys.length} times: one key signs`);
    return keys[0];
  },
};

const publicKeys: Arg<string[]> = { options: keyOption, read: (parsed) => readList(parsed, 'key') };

/** How to sign. */
export const signing = {
  key: privateKey,
  identityToken: text('identity-token', {
    describe: "file with an OIDC token, instead of the CI system's",
    group,
  }),
  fulcioUrl: text('fulcio-url', { describe: 'certificate authority of a private Sigstore', group }),
  rekorUrl: text('rekor-url', { describe: 'transparency log (with --key: none by default)', group }),
  timestampUrl: text('timestamp-url', { describe: 'timestamp authority (RFC 3161)', group }),
  signingConfig: text('signing-config', {
    describe: 'file with these URLs, in the format of Sigstore',
    group,
  }),
};

export const trustedRoot = text('trusted-root', {
  describe: 'Sigstore trusted root (JSON): for a private Sigstore, or without network',
  group,
});

export const signed = flag('signed', {
  describe: 'with --remote: refuse images that no signer of `trust:` in models.yaml signed',
  group,
});

/** Who must have signed. */
export const signers = {
  publicKeys,
  identity: text('identity', {
    describe: 'trusted identity: the URL of a workflow, or an e-mail address',
    group,
  }),
  identityPattern: text('identity-pattern', {
    describe: 'regular expression for the whole identity',
    group,
  }),
  issuer: text('issuer', { describe: 'OIDC issuer of the identity', group }),
  trustedRoot,
};

interface SignerValues {
  publicKeys: string[];
  identity: string | undefined;
  identityPattern: string | undefined;
  issuer: string | undefined;
  trustedRoot: string | undefined;
}

/**
 * The signers of the command line, which replace those of `trust:`; without any, `trust:` with --trusted-root in place
 * of its own; undefined when neither names one.
 */
export function readTrust(values: SignerValues, own: Trust | undefined): Trust | undefined {
  const { publicKeys, identity, identityPattern, issuer, trustedRoot: root } = values;
  const rooted = root === undefined ? {} : { trustedRoot: root };
  if (identity !== undefined && identityPattern !== undefined)
    throw usage('--identity and --identity-pattern exclude each other');
  const named = identity ?? identityPattern;
  if ((named === undefined) !== (issuer === undefined))
    throw usage(
      named === undefined ? '--issuer needs --identity' : '--identity needs --issuer',
      'pass both, as in `--identity https://github.com/me/models/.github/workflows/push.yml@refs/heads/main --issuer https://token.actions.githubusercontent.com`',
    );
  if (identityPattern !== undefined) checkPattern(identityPattern);
  const signers: TrustedSigner[] = publicKeys.map((key) => ({ key }));
  if (issuer !== undefined && identity !== undefined) signers.push({ identity, issuer });
  if (issuer !== undefined && identityPattern !== undefined) signers.push({ identityPattern, issuer });
  if (signers.length > 0)
    return { signers, ...(own?.trustedRoot && { trustedRoot: own.trustedRoot }), ...rooted };
  return own === undefined ? undefined : { ...own, ...rooted };
}

function checkPattern(pattern: string): void {
  try {
    new RegExp(pattern, 'u');
  } catch {
    throw usage(`--identity-pattern ${JSON.stringify(pattern)} is no regular expression`);
  }
}
