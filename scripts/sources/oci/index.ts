import { lazySource } from '../lazy-source.ts';
import type { SourceKind } from '../types.ts';
import { ociUriAt, parseOciUri, pastedReference } from './uri.ts';

/** Images and artifacts in OCI registries. */
export const ociKind: SourceKind = {
  scheme: 'oci',
  example: 'oci://registry/repository[:tag]',
  forms: [
    {
      uri: 'oci://registry/repository[:tag]',
      names:
        'A modelcar (its files below `/models`), a ModelPack or KitOps artifact, or the files of `oras push`. `lock` pins the digest; see [below](#images-and-artifacts).',
    },
    { uri: 'oci://registry/repository@digest', names: 'The same, at a fixed `sha256:` digest.' },
    { uri: 'oci://registry/repository[:tag]#path', names: 'One file of it, for `files`.' },
  ],
  environment: [],
  repair: {
    pointer: 'run `git lfs pull` where the files come from, and push them again',
    corrupt: 'push the file again; leave it out with `exclude` if the model works without it',
    missing: 'push an image or artifact with all files of the model',
  },
  check(uri) {
    const parsed = parseOciUri(uri);
    return parsed.ok ? undefined : parsed.problem;
  },
  pasted: pastedReference,
  fileUri: (uri, path) => (uri.includes('#') ? uri : `${uri}#${path}`),
  open: (options) =>
    lazySource(async () => {
      const { OciSource } = await import('./source.ts');
      return new OciSource(options);
    }),
  at: ociUriAt,
  namesMany: async (uri) => (uri.includes('#') ? undefined : 'an image or artifact'),
};
