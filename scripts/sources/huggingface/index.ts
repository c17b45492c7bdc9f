import { lazySource } from '../lazy-source.ts';
import type { SourceKind } from '../types.ts';
import { parseHubName, parseHubPage, uriOf } from './pasted.ts';
import { checkHubUri, hubUri, splitHubUri } from './uri.ts';

/** Model repositories of a Hugging Face hub. */
export const huggingFaceKind: SourceKind = {
  scheme: 'hf',
  example: 'hf://org/repo[:revision]',
  forms: [
    {
      uri: 'hf://org/repo[:revision]',
      names: 'A Hugging Face repository at a branch, tag or commit (default `main`). `lock` pins the commit.',
    },
    { uri: 'hf://org/repo[:revision]#path', names: 'One file of such a repository, for `files:`.' },
  ],
  environment: [{ name: 'HF_TOKEN', purpose: 'for private and gated repositories of Hugging Face' }],
  repair: {
    pointer: 'choose a revision that has the file itself, or ask the owner of the repository to upload it',
    corrupt:
      'choose a revision where the file is whole; leave it out with `exclude` if the model works without it',
    missing: 'choose a revision that has all files, or ask the owner of the repository to upload the rest',
  },
  check(uri) {
    const problem = checkHubUri(uri);
    const meant = problem && parseHubName(uri);
    const right = meant && uriOf(meant);
    return right === undefined
      ? problem
      : { expected: problem?.expected ?? '', hint: `; did you mean \`${right}\`?` };
  },
  // The address of a file's bytes is a valid `https:` source.
  pasted(text) {
    const page = /\/resolve\//.test(text) ? undefined : parseHubPage(text);
    return page?.ok ? uriOf(page.value) : undefined;
  },
  fileUri: (uri, path) => `${uri.replace(/#.*$/, '')}#${path}`,
  open: (options) =>
    lazySource(async () => {
      const { HubSource } = await import('./source.ts');
      return new HubSource(options);
    }),
  // Each revision has its own folder, so that two revisions can be cached side by side.
  cacheFolder(uri) {
    if (checkHubUri(uri) !== undefined) return undefined;
    const { name, revision, path } = splitHubUri(uri);
    // The copy of one file is not a copy of the model.
    if (path !== undefined) return undefined;
    return `${name}${revision === undefined ? '' : `@${revision}`}/`;
  },
  at(uri, revision) {
    const { name, path } = splitHubUri(uri);
    return hubUri(`${name}:${revision}${path === undefined ? '' : `#${path}`}`);
  },
  page: (uri) => `https://huggingface.co/${splitHubUri(uri).name}`,
  namesMany: async (uri) => (splitHubUri(uri).path === undefined ? 'a repository' : undefined),
};
