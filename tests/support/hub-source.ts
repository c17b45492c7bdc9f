import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { HubSource } from '../../scripts/sources/huggingface/source.ts';
import type { ConnectionOptions } from '../../scripts/sources/types.ts';
import { type Hub, startHub } from '../parts/hub.ts';

export const uri = 'hf://org/model';

export const readme =
  '---\nlicense: llama3.1\nbase_model: org/base\npipeline_tag: text-generation\n---\n# A model\n';

export const large = { size: 30_000_000, generate: 7 };

export const token = 'hf_ThisIsASecretOfOurs1234';

/** A hub with a plain, a moving, a gated, a private and a hostile repository; pages of two entries. */
function startModelHub(): Promise<Hub> {
  return startHub({
    models: {
      'org/model': {
        files: {
          'README.md': readme,
          'config.json': '{"a": 1}',
          'deep/odd name #1?.txt': 'hello',
          empty: '',
          'model.safetensors': large,
          'small.safetensors': 'few bytes',
        },
        revisions: { 'v1.0': { 'config.json': '{"a": 0}' }, 'refs/pr/1': { 'config.json': '{"a": 2}' } },
      },
      'org/moving': { files: { 'config.json': 'before' } },
      'org/gated': { files: { 'model.safetensors': 'secret' }, gated: 'auto' },
      'org/private': { files: { 'config.json': '{}' }, private: true },
      'org/hostile': {
        files: {
          '../../etc/passwd': 'x',
          '/absolute': 'x',
          'nul\0': 'x',
          'back\\slash': 'x',
          'a/Model.bin': 'x',
          'a/model.bin': 'y',
          'good.txt': 'good',
        },
      },
    },
    renamed: { 'old/model': 'org/model', legacy: 'org/model' },
    tokens: {
      [token]: { user: 'me', accepted: ['org/gated'], private: ['org/private'] },
      hf_new: { user: 'new' },
      hf_waiting: { user: 'waiting', pending: ['org/gated'] },
      hf_fine: { user: 'fine', gatedRights: false },
    },
    pageSize: 2,
  });
}

/** The hub that `useModelHub` started. */
export let hub: Hub;
const sources: HubSource[] = [];

/** Starts the hub for a file's tests, and closes sources after each; no token may ever have reached the CDN. */
export function useModelHub(): void {
  beforeAll(async () => {
    hub = await startModelHub();
  });
  afterAll(async () => await hub?.stop());
  afterEach(async () => {
    hub.forgive();
    expect(hub.requests().filter(({ part, authorized }) => part === 'cdn' && authorized)).toEqual([]);
    await Promise.all(sources.splice(0).map((source) => source.close()));
  });
}

/** A source of that hub, closed after the test. */
export function open(env: NodeJS.ProcessEnv = {}, options: ConnectionOptions = {}): HubSource {
  const made = new HubSource({
    env: { HF_ENDPOINT: hub.url, HOME: '/nonexistent', ...env },
    retry: { delay: 1 },
    ...options,
  });
  sources.push(made);
  return made;
}

/** The requests that the hub receives while `work` runs. */
export async function during<T>(
  work: () => Promise<T>,
): Promise<{ result: T; asked: ReturnType<Hub['requests']> }> {
  const before = hub.requests().length;
  const result = await work();
  return { result, asked: hub.requests().slice(before) };
}
