import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readHubSettings } from './settings.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'modelcars-hub-'));
});
afterEach(async () => await rm(home, { recursive: true, force: true }));

async function put(path: string, text: string): Promise<string> {
  const file = join(home, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  return file;
}

describe('readHubSettings', () => {
  it('defaults to the public hub without a token', async () => {
    expect(await readHubSettings({ HOME: home })).toEqual({ endpoint: 'https://huggingface.co' });
  });

  // The order and places of huggingface_hub: utils/_auth.py `get_token`, constants.py.
  it('finds the token in the places of huggingface_hub, in its order', async () => {
    const env: NodeJS.ProcessEnv = { HOME: home };
    const found = async () => (await readHubSettings(env)).token;
    const inHome = await put('.cache/huggingface/token', 'hf_home\n');
    expect(await found()).toEqual({ secret: 'hf_home', from: inHome });
    env.XDG_CACHE_HOME = join(home, 'xdg');
    const inCache = await put('xdg/huggingface/token', ' hf_cache ');
    expect(await found()).toEqual({ secret: 'hf_cache', from: inCache });
    env.HF_HOME = join(home, 'hf');
    expect(await found()).toBeUndefined();
    const inHfHome = await put('hf/token', 'hf_hfhome');
    expect(await found()).toEqual({ secret: 'hf_hfhome', from: inHfHome });
    env.HF_TOKEN_PATH = await put('elsewhere', 'hf_path');
    expect(await found()).toEqual({ secret: 'hf_path', from: env.HF_TOKEN_PATH });
    env.HUGGING_FACE_HUB_TOKEN = 'hf_old';
    expect(await found()).toEqual({ secret: 'hf_old', from: 'HUGGING_FACE_HUB_TOKEN' });
    env.HF_TOKEN = 'hf_new';
    expect(await found()).toEqual({ secret: 'hf_new', from: 'HF_TOKEN' });
    env.HF_HUB_DISABLE_IMPLICIT_TOKEN = '1';
    expect(await found()).toBeUndefined();
  });

  it('treats an empty token as none', async () => {
    await put('.cache/huggingface/token', '\n');
    expect((await readHubSettings({ HOME: home, HF_TOKEN: '' })).token).toBeUndefined();
  });

  it('refuses a missing token file, and an invalid token without printing it', async () => {
    await expect(readHubSettings({ HOME: home, HF_TOKEN_PATH: join(home, 'no') })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('HF_TOKEN_PATH'),
    });
    const error = await readHubSettings({ HOME: home, HF_TOKEN: 'hf_a\r\nX-Evil: secret' }).catch(
      (one: Error) => one,
    );
    expect(error).toMatchObject({ code: 'usage', message: 'read HF_TOKEN: what it holds is no token' });
  });

  it.each([
    ['https://hub.corp/', 'https://hub.corp'],
    ['https://mirror.corp/api/hf//', 'https://mirror.corp/api/hf'],
  ])('accepts the endpoint %s', async (given, endpoint) => {
    expect((await readHubSettings({ HOME: home, HF_ENDPOINT: given })).endpoint).toBe(endpoint);
  });

  it.each([
    'hub.corp',
    'ftp://hub.corp',
    'https://me:secret@hub.corp',
    'https://hub.corp?token=secret',
    'https://a#b',
  ])('refuses the endpoint %s, without printing its secrets', async (given) => {
    const error = await readHubSettings({ HOME: home, HF_ENDPOINT: given }).catch((one: Error) => one);
    expect(error).toMatchObject({ code: 'usage' });
    expect(String(error)).not.toContain('secret');
  });

  it.each([
    ['http://hub.corp', true],
    ['http://127.0.0.1:8080', false],
    ['http://localhost', false],
    ['https://hub.corp', false],
  ])('withholds the token from %s: %s', async (endpoint, kept) => {
    const { token } = await readHubSettings({ HOME: home, HF_ENDPOINT: endpoint, HF_TOKEN: 'hf_x' });
    expect(token?.withheld !== undefined).toBe(kept);
  });
});
