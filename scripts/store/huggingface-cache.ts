import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { homeFolder } from '../files/home.ts';
import { readOpen } from '../files/read.ts';
import { checkPath } from '../text/paths.ts';
import type { FileCache, WantedFile } from './file-cache.ts';

/**
 * The cache folder of Hugging Face's own clients: $HF_HUB_CACHE, $HUGGINGFACE_HUB_CACHE (its old name), $HF_HOME/hub,
 * $XDG_CACHE_HOME/huggingface/hub, otherwise ~/.cache/huggingface/hub (huggingface_hub, constants.py).
 */
export function huggingFaceFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const { HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME, XDG_CACHE_HOME } = environment;
  const home = HF_HOME || join(XDG_CACHE_HOME || join(homeFolder(), '.cache'), 'huggingface');
  return expandHome(HF_HUB_CACHE || HUGGINGFACE_HUB_CACHE || join(home, 'hub'));
}

/**
 * Files of `hf://` models in that cache (huggingface.co/docs/hub/local-cache): `models--org--name/blobs/<sha256>` for
 * large files, otherwise the target of `snapshots/<commit>/<path>`. The cache is only read: a copy with a wrong hash is
 * left in place.
 */
export function huggingFaceCache(folder = huggingFaceFolder()): FileCache {
  const openFile = async (file: WantedFile) => {
    for (const path of candidates(folder, file)) {
      const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => undefined);
      const found = await handle?.stat().catch(() => undefined);
      if (found?.isFile() && found.size === file.size) return handle;
      await handle?.close();
    }
    return undefined;
  };
  return {
    name: 'the Hugging Face cache',
    async has(file) {
      const handle = await openFile(file);
      await handle?.close();
      return handle !== undefined;
    },
    async open(file, offset, signal) {
      const handle = await openFile(file);
      return handle && readOpen(handle, offset, signal);
    },
    forget: async () => undefined,
  };
}

function candidates(folder: string, { uri, revision, path, sha256 }: WantedFile): string[] {
  const [, organisation, name] = /^hf:\/\/([^/:]+)\/([^/:]+)/.exec(uri) ?? [];
  if (organisation === undefined || name === undefined) return [];
  const repository = join(folder, `models--${organisation}--${name}`);
  const snapshot = /^[0-9a-f]{40}$/.test(revision) && checkPath(path) === undefined;
  return [
    join(repository, 'blobs', sha256),
    ...(snapshot ? [join(repository, 'snapshots', revision, path)] : []),
  ];
}

function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homeFolder(), path.slice(1)) : path;
}
