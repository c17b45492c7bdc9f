import type { Overrides } from '../../model/types.ts';
import { type ArgValues, choice, flag, groups, list, text, usage } from './option.ts';
import { defined, pick } from './values.ts';

const group = groups.override;

/** Options that override fields of the catalog, under the names of `Overrides`. */
export const overrides = {
  registry: text('registry', { describe: 'registry and path to push to: quay.io/me', group }),
  version: text('version', { describe: 'version of the images: v1.2.3', group }),
  tags: list('tag', { describe: 'one more tag; may be repeated', group, commas: true }, unlessEmpty),
  base: text('base', { describe: '`embedded` or an image reference', group }),
  platforms: list(
    'platform',
    { describe: 'linux/amd64,linux/arm64; may be repeated', group, commas: true },
    unlessEmpty,
  ),
  compression: choice('compression', ['none', 'gzip', 'zstd'], {
    describe: 'of model layers: none (fastest to pull), gzip or zstd',
    group,
  }),
  mirrors: list(
    'mirror',
    { describe: 'pull bases under FROM=TO instead; may be repeated', group },
    (given) => (given.length > 0 ? Object.fromEntries(given.map(splitMirror)) : undefined),
  ),
};

/** False, or undefined to keep the catalog's setting. */
export const floatingTags = flag(
  'no-floating-tags',
  { describe: 'do not set v1.2, v1 and latest', group },
  (given) => (given ? false : undefined),
);

/** The values of the overrides that a command declares. */
export type OverrideValues = Partial<ArgValues<typeof overrides & { floatingTags: typeof floatingTags }>>;

/** The overrides that were given. */
export function readOverrides(values: OverrideValues): Overrides {
  return { ...pick(values, overrides), ...defined({ floatingTags: values.floatingTags }) };
}

function unlessEmpty(given: string[]): string[] | undefined {
  return given.length > 0 ? given : undefined;
}

function splitMirror(mirror: string): [string, string] {
  const at = mirror.indexOf('=');
  const [from, to] = [mirror.slice(0, at), mirror.slice(at + 1)];
  if (at < 1 || to === '')
    throw usage(`--mirror ${mirror}: must be FROM=TO`, 'for example --mirror docker.io=mirror.me');
  return [from, to];
}
