import { type Arg, count, flag, groups, list, readFlag, text, usage } from './option.ts';

const group = groups.transport;

/** Where `build` writes by default, and where the commands that read images look. */
const defaultLayout = 'out';

/**
 * Where a command writes: `build`, `all` and `push --smoke` an image layout, `manifest` a kustomize base, `catalog` a site,
 * `pull` the files of a model.
 */
export const output = text('output', {
  alias: 'o',
  describe: 'folder to write to: images to out by default, or to a .tar file; catalog to site or odh',
  group,
});

/** Whether `pull` deletes what it finds at `--output`. */
export const replace = flag('replace', {
  describe: 'delete --output if it exists, once all new files are verified',
  group,
});

/** The layout at `--output`, or the default one. */
export function outputLayout(given: string | undefined): string {
  return given ?? defaultLayout;
}

/** Where a command reads images that `build` wrote. */
export const layout = text(
  'layout',
  { alias: 'l', default: defaultLayout, describe: 'the OCI image layout to read (default out)', group },
  (given) => given ?? defaultLayout,
);

export const remote = flag('remote', {
  describe: 'look at the registry, not at --layout',
  group,
});

export const verify = flag('verify', {
  describe: 'verify what was built, as the command verify does',
  group,
});

export const layers = flag('layers', {
  describe: 'read models on a hub too, to lock the digest of every layer',
  group,
});

export const upgrade = flag('upgrade', {
  describe: 'move models and their bases to the newest revision of their sources',
  group,
});

export const keep = flag('keep', {
  describe: 'keep downloaded model files in the store: the next run needs no network',
  group,
});

export const smoke = flag('smoke', {
  describe: 'push only models that pass the smoke test: build, smoke, push the same digests',
  group,
});

export const verifyLayers = flag('verify-layers', {
  describe: 'read every layer at the source first, and check its files against the image contract',
  group,
});

export const readLayers = flag('read-layers', {
  describe: 'read layers that differ and do not list their files: all their bytes',
  group,
});

/** Between which registries `promote` copies; `rebase` writes to `to`. */
export const between = {
  from: text('from', {
    describe: 'registry and path to copy from (default `registry:` of models.yaml)',
    group,
  }),
  to: text('to', { describe: 'registry and path of the copies or new versions: quay.io/prod', group }),
};

export const pull = flag('pull', {
  describe: 'take what the base reference names now, not the earlier image that the lock pins',
  group,
});

export const createRepository = flag('create-repository', {
  describe: 'create repositories missing in Amazon ECR; most other registries do so on push',
  group,
});

/** --frozen and --no-frozen; undefined when neither is given. */
export const frozen: Arg<boolean | undefined> = {
  options: {
    frozen: {
      type: 'boolean',
      describe: 'fail when the lock is missing or stale (default when CI=true)',
      group,
    },
    'no-frozen': {
      type: 'boolean',
      describe: 'resolve what the lock lacks, also when CI=true',
      group,
    },
  },
  read(parsed) {
    const [yes, no] = [readFlag(parsed, 'frozen'), readFlag(parsed, 'no-frozen')];
    if (yes && no) throw usage('--frozen and --no-frozen exclude each other');
    return yes ? true : no ? false : undefined;
  },
};

export const store = text('store', {
  describe: 'cache of downloads (default $MODELCARS_STORE or ~/.cache/modelcars)',
  group,
});

export const concurrency = count('concurrency', {
  describe: 'models worked on at a time (default 4)',
  group,
});

/** As typed; `limitMemory` reads it. */
export const maxMemory = text('max-memory', {
  describe:
    'memory to aim at, from 128MB (default 200MB): with less, fewer bytes are read ahead; hundreds of models take more',
  group,
});

export const offline = flag('offline', {
  describe: 'send no request to a hub, registry or cluster',
  group,
});

/** How to reach a registry. */
export const registryAccess = {
  insecure: list('insecure', { describe: 'registry host to reach over http', group, commas: true }),
  caFile: text('ca-file', { describe: 'PEM file of certificate authorities to trust too', group }),
};

/** Where a command reads and writes, and through which registries. */
export const access = { store, ...registryAccess, concurrency };
