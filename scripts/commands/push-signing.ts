import type { SmokeResult } from '../kserve/types.ts';
import type { PushOptions } from '../pipeline/push.ts';
import type { ArgValues } from './args/option.ts';
import { usage } from './args/option.ts';
import { attest, sign, signing, trustedRoot } from './args/trust.ts';
import { pick } from './args/values.ts';
import { type OutcomeColumn, outcomeColumns } from './output/report.ts';

/** The arguments of `push` and `all` that are about signatures. */
export const signingArgs = { sign, attest, ...signing, trustedRoot };
export type SigningValues = ArgValues<typeof signingArgs>;

/** How `push` signs; nothing without --sign. Fails with code `usage` for signing options without it. */
export function readSigning(values: SigningValues): Pick<PushOptions, 'signing' | 'attest'> {
  const given = { ...pick(values, signing), ...pick(values, { trustedRoot }) };
  if (values.sign) return { signing: given, attest: values.attest };
  const [key] = [...(values.attest ? ['attest'] : []), ...Object.keys(given)];
  if (key === undefined) return {};
  throw usage(`--${flagOf(key)} needs --sign`);
}

/** The columns of the closing table: those of the gates that were asked for too. */
export function pushColumns(
  values: SigningValues,
  options: Pick<PushOptions, 'scan'>,
  smoked: readonly SmokeResult[] = [],
): OutcomeColumn[] {
  const { name, digest, size, sent, tags } = outcomeColumns;
  return [name, digest, size, sent, ...gateColumns(values, options, smoked), tags];
}

/** One column for each gate that was asked for. */
export function gateColumns(
  { sign: signs, attest: attests }: SigningValues,
  { scan: scans }: Pick<PushOptions, 'scan'>,
  smoked: readonly SmokeResult[] = [],
): OutcomeColumn[] {
  const { scan, signatures, attestations } = outcomeColumns;
  return [
    ...(smoked.length > 0 ? [smokeColumn(smoked)] : []),
    ...(scans ? [scan] : []),
    ...(signs ? [signatures] : []),
    ...(attests ? [attestations] : []),
  ];
}

/** What the smoke test of each model found. */
function smokeColumn(results: readonly SmokeResult[]): OutcomeColumn {
  return {
    title: 'SMOKE',
    cell: ({ model }) => {
      const own = results.filter((one) => one.model === model && one.status !== 'skipped');
      if (own.length === 0) return '-';
      return own.every(({ status }) => status === 'passed') ? 'passed' : 'failed';
    },
  };
}

function flagOf(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
