import { type Arg, groups, list, readList, readText, text, usage } from './option.ts';

const group = groups.select;

/** The positional `[model..]`, described for one command. */
export function modelNames(describe: string): Arg<string[]> {
  return {
    options: {},
    positional: { spec: '[model..]', key: 'model', describe },
    read: (parsed) => readList(parsed, 'model'),
  };
}

/** Options of every command that works on models of the catalog. */
export const selection = {
  models: modelNames('names from the catalog; all when none is given'),
  file: text(
    'file',
    {
      alias: 'f',
      default: 'models.yaml',
      describe: 'the catalog (default models.yaml); its lock is beside it: dev.lock.yaml for dev.yaml',
      group,
    },
    (given) => given ?? 'models.yaml',
  ),
  only: list('only', {
    describe: 'only models of framework=NAME or name=GLOB; may be repeated',
    group,
  }),
};

/** As typed: `2/4` or `auto`. */
export const shard = text('shard', {
  describe: 'only the I-th of N parts, balanced by size: I/N; `auto` in a Kubernetes Indexed Job',
  group,
});

/** The positional `[image..]` of `promote`. */
export const images: Arg<string[]> = {
  options: {},
  positional: {
    spec: '[image..]',
    key: 'image',
    describe: 'MODEL, MODEL@v1.2.3, MODEL@sha256:… or registry/repository:tag; all models when none is given',
  },
  read: (parsed) => readList(parsed, 'image'),
};

/** The positional `<image>` of `inspect`. */
export const image: Arg<string> = {
  options: {},
  positional: {
    spec: '<image>',
    key: 'image',
    describe: 'name:version in --layout, or registry/repository:tag',
  },
  read: (parsed) => readText(parsed, 'image') ?? '',
};

/** The positional `<image>` of `pull`. */
export const pulledImage: Arg<string> = {
  options: {},
  positional: {
    spec: '<image>',
    key: 'image',
    describe: 'MODEL or MODEL@v1.2.3 of models.yaml, registry/repository:tag, or name:version in --layout',
  },
  read: (parsed) => readText(parsed, 'image') ?? '',
};

/** The positional `<image..>` of `diff`, which are two. */
export const comparedImages: Arg<[string, string]> = {
  options: {},
  positional: {
    spec: '<image..>',
    key: 'image',
    describe:
      'two of: MODEL@v1.2.3, registry/repository:tag, name:version in --layout; `:v1.2.4` is another tag of the first',
  },
  read(parsed) {
    const [first, second, ...more] = [parsed.image ?? []].flat().map(String);
    if (first === undefined || second === undefined || more.length > 0)
      throw usage('diff compares two images', 'write `modelcars diff iris@v1.2.3 iris@v1.2.4`');
    return [first, second];
  },
};

/** Which files of an image are pulled. */
export const fileSelection = {
  include: list('include', { describe: 'only files that match this glob: `*.json`; may be repeated', group }),
  exclude: list('exclude', { describe: 'no files that match this glob; may be repeated', group }),
};
