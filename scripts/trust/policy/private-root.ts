import type { CertificateAuthority, TransparencyLogInstance, TrustedRoot } from '@sigstore/protobuf-specs';
import type { Authority, Log, PrivateRoot } from './types.ts';

/** The parts of a trusted root that policies have places for; of several logs the one that is in use now. */
export function privateRoot(root: TrustedRoot, json: string, now = Date.now()): PrivateRoot {
  const rekor = currentLog(root.tlogs, now);
  const ctlog = currentLog(root.ctlogs, now);
  return {
    json,
    authorities: root.certificateAuthorities.map(authority),
    ...(rekor && { rekor }),
    ...(ctlog && { ctlog }),
    timestampAuthorities: root.timestampAuthorities.map(authority),
  };
}

/** The newest log whose key is valid now. */
function currentLog(logs: readonly TransparencyLogInstance[], now: number): Log | undefined {
  const startOf = (log: TransparencyLogInstance) => log.publicKey?.validFor?.start?.getTime() ?? 0;
  const [newest] = logs
    .filter((log) => {
      const end = log.publicKey?.validFor?.end?.getTime() ?? Number.POSITIVE_INFINITY;
      return startOf(log) <= now && now < end;
    })
    .toSorted((a, b) => startOf(b) - startOf(a));
  const bytes = newest?.publicKey?.rawBytes;
  if (newest === undefined || bytes === undefined) return undefined;
  return { url: newest.baseUrl, key: pem('PUBLIC KEY', bytes) };
}

function authority({ uri, subject, certChain }: CertificateAuthority): Authority {
  return {
    uri,
    organization: subject?.organization ?? '',
    commonName: subject?.commonName ?? '',
    chain: (certChain?.certificates ?? []).map(({ rawBytes }) => pem('CERTIFICATE', rawBytes)).join(''),
  };
}

/** RFC 7468: lines of 64 characters. */
function pem(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
