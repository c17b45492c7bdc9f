import {
  type FailOn,
  type ScannerName,
  type ScanOptions,
  scannerNames,
  severities,
} from '../../trust/vulnerabilities/types.ts';
import { type Arg, choice, groups, text, usage } from './option.ts';
import { defined } from './values.ts';

const group = groups.transport;

/** Days; grype's own default (`db.max-allowed-built-age`). */
const defaultAge = 5;
const failLevels = severities.filter((severity): severity is FailOn => severity !== 'unknown');

/** `--scan`, `--scan grype`: undefined when it is not given. */
export const scan: Arg<{ scanner?: ScannerName } | undefined> = {
  options: {
    scan: {
      type: 'string',
      bare: true,
      describe: 'first scan base images and loaders with grype or trivy (default: the one on PATH)',
      group,
    },
  },
  read(parsed) {
    const given = parsed.scan;
    if (given === undefined) return undefined;
    if (given === '') return {};
    const scanner = scannerNames.find((name) => name === given);
    if (scanner !== undefined) return { scanner };
    throw usage(
      `--scan ${String(given)}: must be grype or trivy`,
      'put `--scan` behind the names of models, or say which one: --scan=grype',
    );
  },
};

/** The program of `modelcars scan`. */
export const scanner = choice('scanner', scannerNames, {
  describe: 'grype or trivy (default: the one on PATH, grype first)',
  group,
});

/** How a scan judges. */
export const scanning = {
  failOn: choice('fail-on', failLevels, {
    describe: 'severity from which a vulnerability blocks (default high)',
    group,
  }),
  maxDatabaseAge: text(
    'max-db-age',
    { describe: "oldest scanner's database to trust, in days (default 5)", group },
    (given) => {
      if (given === undefined) return undefined;
      if (/^[1-9]\d{0,3}$/.test(given)) return Number(given);
      throw usage(`--max-db-age ${given}: must be a whole number of days`);
    },
  ),
};

/** The pipeline's options of a scan, with their defaults. */
export function scanOptions(values: {
  scanner?: ScannerName | undefined;
  failOn?: FailOn | undefined;
  maxDatabaseAge?: number | undefined;
}): ScanOptions {
  const { scanner, failOn = 'high', maxDatabaseAge = defaultAge } = values;
  return { ...defined({ scanner }), failOn, maxDatabaseAge };
}
