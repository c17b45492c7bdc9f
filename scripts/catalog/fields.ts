import picomatch from 'picomatch';
import coerce from 'semver/functions/coerce.js';
import valid from 'semver/functions/valid.js';
import { z } from 'zod';
import { isTag, parseReference } from '../registry/reference.ts';
import { checkUri, uriExamples, uriPattern } from '../sources/index.ts';
import { parseS3Uri } from '../sources/s3/uri.ts';
import type { Problem } from '../sources/types.ts';
import { list, plain, show } from '../text/format.ts';
import { checkPath } from '../text/paths.ts';
import { didYouMean } from '../text/suggest.ts';

/** "expected …, got …", or "missing; expected …" for a missing value. */
export function complain(expected: string, input: unknown, hint = ''): string {
  return input === undefined
    ? `missing; expected ${expected}`
    : `expected ${expected}, got ${show(input)}${hint}`;
}

/** A text field that `judge` checks. `expected` is for values that are not text. */
export function checked(
  expected: string,
  judge: (value: string) => Problem | undefined,
  meta: { pattern?: string; maxLength?: number; enum?: string[]; examples?: string[] } = {},
): z.ZodString {
  return z
    .string({
      error: ({ input }) => {
        if (typeof input !== 'number' && typeof input !== 'boolean') return complain(expected, input);
        const problem = judge(String(input));
        return complain(expected, input, problem === undefined ? '; put it in quotes' : problem.hint);
      },
    })
    .superRefine((value, context) => {
      const problem = judge(value);
      if (problem === undefined) return;
      context.addIssue({ code: 'custom', message: complain(problem.expected, value, problem.hint) });
    })
    .meta(meta);
}

/** A non-empty text without control characters except line breaks and tabs. */
export function text(expected: string, { most }: { most: number }): z.ZodString {
  return checked(expected, (value) => {
    if (value.trim() === '') return { expected: `${expected} that is not empty` };
    if (value.length > most) return { expected: `${expected} of at most ${most} characters` };
    if (!value.isWellFormed() || /(?![\n\r\t])\p{Cc}/u.test(value))
      return { expected: `${expected} without control characters` };
    return undefined;
  });
}

/** The same on one line. */
export function oneLine(expected: string, most: number): z.ZodString {
  return checked(expected, (value) => {
    if (value.trim() === '') return { expected: `${expected} that is not empty` };
    if (value.length > most) return { expected: `${expected} of at most ${most} characters` };
    if (!value.isWellFormed() || /\p{Cc}|\p{Zl}|\p{Zp}/u.test(value))
      return { expected: `${expected} on one line` };
    return undefined;
  });
}

/** The valid model name that is most like a text; empty when it has neither letters nor digits. */
export function nearName(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^-/, '')
    .slice(0, 63)
    .replace(/-$/, '');
}

const namePattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** RFC 1123 label: KServe creates a Kubernetes object with that name. */
export const modelName = checked(
  'a model name',
  (value) => {
    if (value.length <= 63 && namePattern.test(value)) return undefined;
    const near = nearName(value);
    return {
      expected: 'a name of at most 63 lower-case letters, digits and `-`, not starting or ending with `-`',
      hint: near === '' ? '' : `; did you mean \`${near}\`?`,
    };
  },
  { pattern: namePattern.source, maxLength: 63 },
);

export const sourceUri = checked(`a URI: ${uriExamples}`, checkUri, { pattern: uriPattern });

/** Path below /models, a key of `files:`. */
export const targetName = checked('a path below /models', (value) => {
  const problem = checkPath(value);
  return problem === undefined ? undefined : { expected: 'a path below /models', hint: `, which ${problem}` };
});

/** Only globs that picomatch matches in reasonable time, with the semantics of docs/reference/models-yaml.md. */
export const glob = checked('a glob such as `*.json`', (value) => {
  const expected = 'a glob such as `*.json` or `onnx/**`';
  if (value === '' || value.length > 1024 || /\p{Cc}/u.test(value) || !value.isWellFormed())
    return { expected };
  if (value.includes('\\')) return { expected: `${expected} without a backslash` };
  if (value.startsWith('!')) return { expected, hint: '; put what stays out in `exclude`' };
  if (/^\.?\//.test(value)) return { expected, hint: didYouMean(value, [value.replace(/^\.?\/+/, '')]) };
  if (value.split('/').includes('..')) return { expected: `${expected} without \`..\`` };
  // Each star multiplies the ways to match a long name.
  if ((value.match(/\*+/g)?.length ?? 0) > 6) return { expected: `${expected} with at most 6 \`*\`` };
  try {
    picomatch(value);
    return undefined;
  } catch {
    return { expected };
  }
});

export const versionText = checked(
  'a version such as `v1.2.3`',
  (value) => {
    const number = value.replace(/^v/, '');
    const isValid = valid(number) !== null && /^\d/.test(number) && value.length <= 128;
    if (isValid && !number.includes('+')) return undefined;
    const near = value.length > 100 ? null : coerce(value, { includePrerelease: true });
    const tag = near ? `v${near.version.replace(/\+.*/, '')}` : undefined;
    return {
      expected: 'a version such as `v1.2.3` or `1.2.3-rc.1` (semver.org; no `+`, a tag cannot hold it)',
      hint: tag ? `; did you mean \`${tag}\`?` : '',
    };
  },
  { pattern: '^v?\\d+\\.\\d+\\.\\d+(-[0-9A-Za-z.-]+)?$' },
);

export const tagName = checked(
  'a tag',
  (value) => {
    const expected = 'a tag of 1 to 128 letters, digits, `_`, `.` and `-`, not starting with `.` or `-`';
    return isTag(value) ? undefined : { expected };
  },
  { pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$' },
);

const architectures = ['amd64', 'arm64', 'ppc64le', 's390x'];
/** The platforms of KServe's images and Red Hat's bases. */
export const platforms = architectures.map((architecture) => `linux/${architecture}`);
const otherNames: Record<string, string> = {
  x86_64: 'linux/amd64',
  x64: 'linux/amd64',
  aarch64: 'linux/arm64',
};

export const platform = checked(
  'a platform such as `linux/amd64`',
  (value) => {
    if (platforms.includes(value)) return undefined;
    const machine = value.replace(/^.*?\//, '');
    const named = otherNames[machine] ?? (architectures.includes(machine) ? `linux/${machine}` : undefined);
    return {
      expected: `one of ${list(platforms, 'or')}`,
      hint: named ? `; did you mean \`${named}\`?` : didYouMean(value, platforms),
    };
  },
  { enum: platforms },
);

export const baseName = checked(
  '`embedded` or an image reference',
  (value) => {
    const expected =
      '`embedded` or an image reference such as `registry.access.redhat.com/ubi10/ubi-micro:latest`';
    const near = value === 'embedded' ? '' : didYouMean(value, ['embedded']);
    if (near !== '') return { expected, hint: near };
    return value.length <= 512 && isReference(value) ? undefined : { expected };
  },
  { examples: ['embedded', 'registry.access.redhat.com/ubi10/ubi-micro:latest'] },
);

/** A host with an optional path; the repository's name is appended. */
export const registryPrefix = checked('a registry such as `quay.io/me`', (value) => {
  const expected = 'a registry host and an optional path, as in `quay.io/me` or `localhost:5000`';
  const bare = value.replace(/^[a-z]+:\/\//i, '').replace(/\/+$/, '');
  const host = bare.split('/')[0] ?? '';
  const ok =
    bare.length <= 400 && /[.:]|^localhost$/.test(host) && isReference(`${bare}/a`) && !host.includes('@');
  if (ok && bare === value) return undefined;
  return { expected, hint: ok ? `; did you mean \`${bare}\`?` : '' };
});

/** Where `modelcars cache` copies hub models. */
export const cacheUri = checked(
  'a place in S3 such as `s3://my-bucket/models`',
  (value) => {
    const parsed = parseS3Uri(value);
    return parsed.ok ? undefined : parsed.problem;
  },
  { pattern: '^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?$', examples: ['s3://my-bucket/models'] },
);

/** SPDX: letters, digits, `.`, `-`, `+`, with AND, OR, WITH and parentheses. */
export const licenses = checked('an SPDX licence expression such as `Apache-2.0`', (value) =>
  /^[A-Za-z0-9.()+: -]{1,400}$/.test(value) && /[A-Za-z0-9]/.test(value)
    ? undefined
    : { expected: 'an SPDX licence expression such as `Apache-2.0` or `MIT OR BSD-3-Clause`' },
);

const ours = 'org.opencontainers.image.';

/** Any key except those that modelcars writes itself. */
export const annotationKey = checked('an annotation key', (value) => {
  const expected = 'an annotation key such as `com.example.team`';
  if (!/^[!-~]{1,255}$/.test(value)) return { expected: `${expected}, printable and without spaces` };
  const name = value.startsWith(ours) ? value.slice(ours.length) : '';
  if (['title', 'description', 'licenses', 'version'].includes(name)) {
    return { expected, hint: `; write \`${name}:\` instead` };
  }
  return /^(?:base\.|created$|revision$|ref\.name$)/.test(name) || value.startsWith('dev.modelcars.')
    ? { expected, hint: ', which modelcars writes itself' }
    : undefined;
});

/** A list whose error names the expected items. */
export function listOf<T extends z.ZodType>(item: T, expected: string): z.ZodArray<T> {
  return z.array(item, { error: ({ input }) => complain(`a list of ${expected}`, input) });
}

/** A map whose error names the expected values. */
export function recordOf<K extends z.ZodString, V extends z.ZodType>(
  key: K,
  value: V,
  expected: string,
): z.ZodRecord<K, V> {
  return z.record(key, value, { error: ({ input }) => complain(`a map of ${expected}`, input) });
}

/** A map with only these keys; zodDiagnostics reports unknown ones and suggests the nearest. */
export function strict<T extends z.core.$ZodLooseShape>(
  expected: string,
  shape: T,
): z.ZodObject<T, z.core.$strict> {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'invalid_type' ? complain(expected, issue.input) : undefined),
  });
}

const units: Record<string, number> = { '': 1, b: 1 };
for (const [power, letter] of ['k', 'm', 'g', 't'].entries()) {
  units[`${letter}b`] = 1000 ** (power + 1);
  units[`${letter}ib`] = 1024 ** (power + 1);
}
export const sizePattern = /^(\d{1,15}(?:\.\d{1,6})?) ?([kKmMgGtT]i?[bB]|[bB])?$/;

/** `10GB`, `9GiB`, `1.5 GB` or a number as bytes; undefined when it is not a positive whole number of bytes. */
export function sizeBytes(size: string | number): number | undefined {
  const match = sizePattern.exec(String(size));
  const bytes = match ? Number(match[1]) * (units[(match[2] ?? '').toLowerCase()] ?? Number.NaN) : Number.NaN;
  const whole = Math.round(bytes);
  return Number.isSafeInteger(whole) && whole > 0 && Math.abs(whole - bytes) < 1e-3 ? whole : undefined;
}

function isReference(value: string): boolean {
  try {
    parseReference(value);
    return !/\p{Cc}/u.test(plain(value));
  } catch {
    return false;
  }
}
