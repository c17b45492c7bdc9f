/**
 * Searches for every secret of a run in all its traces and output: messages, arguments, images, lock, store, buckets.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { noise, tryModelcars } from '../parts/cli.ts';
import { type Hub, startHub } from '../parts/hub.ts';
import { missingParts } from '../parts/parts.ts';
import { type Registry, startRegistry } from '../parts/registry.ts';
import { type S3Server, startS3 } from '../parts/s3.ts';
import { objectBytes } from '../parts/s3cache.ts';
import { safetensors } from '../support/model-files.ts';

const token = `hf_${randomBytes(17).toString('hex')}`;
const files = {
  'README.md': '---\nlicense: mit\n---\n',
  'config.json': '{}',
  'tokenizer.json': '{}',
  'model.safetensors': safetensors(noise(9_000_000, 7)),
};
const missing = await missingParts('docker-registry', 'versitygw');

describe.skipIf(missing)('secrets', () => {
  let hub: Hub;
  let registry: Registry;
  let s3: S3Server;
  let folder: string;
  let secrets: Record<string, string>;
  const shown: string[] = [];
  const commandLines = new Set<string>();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-secrets-'));
    registry = await startRegistry({ kind: 'docker-registry', auth: 'basic' });
    s3 = await startS3();
    hub = await startHub({
      models: { 'org/secret': { files, private: true } },
      tokens: { [token]: { user: 'me', private: ['org/secret'] } },
    });
    const { username = '', password = '' } = registry;
    secrets = {
      'the hub token': token,
      'the registry password': password,
      'the registry credentials': Buffer.from(`${username}:${password}`).toString('base64'),
      'the S3 secret key': s3.secretKey,
      'a signature': 'X-Amz-Signature=',
    };
    const catalog = {
      cache: 's3://models/cache',
      registry: `${registry.host}/team`,
      defaults: { base: 'embedded', version: 'v1.0.0' },
      models: [{ name: 'secret', framework: 'vllm', source: 'hf://org/secret' }],
    };
    await writeFile(join(folder, 'models.yaml'), stringify(catalog));
  });
  afterAll(async () => {
    await hub?.stop();
    await registry?.stop();
    await s3?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  /** Runs a command with all secrets in its environment, and inspects every process's arguments meanwhile. */
  const run = async (
    args: string[],
    env: Record<string, string | undefined> = {},
  ): Promise<number | undefined> => {
    const all = {
      ...s3.env(),
      HF_ENDPOINT: hub.url,
      HF_TOKEN: token,
      HF_TOKEN_PATH: undefined,
      HF_HOME: join(folder, 'hf'),
      MODELCARS_REGISTRY_USERNAME: registry.username,
      MODELCARS_REGISTRY_PASSWORD: registry.password,
      DEBUG: 'modelcars',
      ...env,
    };
    const timer = setInterval(noteCommandLines, 15);
    const { code, stdout, stderr } = await tryModelcars(args, { cwd: folder, env: all });
    clearInterval(timer);
    shown.push(stdout, stderr);
    return code;
  };
  const noteCommandLines = async (): Promise<void> => {
    for (const pid of await readdir('/proc')) {
      if (!/^\d+$/.test(pid)) continue;
      commandLines.add(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''));
    }
  };
  /** The names of the secrets found in some bytes. */
  const found = (bytes: string | Uint8Array): string[] => {
    const buffer = Buffer.from(bytes);
    return Object.entries(secrets).flatMap(([name, secret]) =>
      [secret, encodeURIComponent(secret), Buffer.from(secret).toString('hex')].some((form) =>
        buffer.includes(form),
      )
        ? [name]
        : [],
    );
  };

  test('are used by successful runs', async () => {
    expect(await run(['lock'])).toBe(0);
    expect(await run(['cache'])).toBe(0);
    expect(await run(['build', '--output', 'out.tar', '--keep'])).toBe(0);
    expect(await run(['build', '--verify', '--json'])).toBe(0);
    expect(await run(['push', '--tag', 'main'])).toBe(0);
    expect(await run(['verify', '--remote'])).toBe(0);
    expect(await run(['inspect', `${registry.host}/team/secret:v1.0.0`])).toBe(0);
  });

  test('are needed: without them the same runs fail', async () => {
    const store = join(folder, 'empty-store');
    expect(await run(['lock', '--upgrade'], { HF_TOKEN: undefined })).toBe(1);
    expect(await run(['push', '--version', 'v2.0.0'], { MODELCARS_REGISTRY_PASSWORD: 'wrong' })).toBe(1);
    expect(await run(['cache'], { ...s3.env(s3.stranger), MODELCARS_STORE: store })).toBe(1);
  });

  test('are in no message of failing runs', async () => {
    const env = () => ({ MODELCARS_STORE: join(folder, `store-${shown.length}`) });
    hub.fault({ on: 'api', kind: 'status', status: 403, times: 20 });
    expect(await run(['lock', '--upgrade'], env())).toBe(1);
    s3.fault({ answer: { status: 403, code: 'SignatureDoesNotMatch' }, times: 50 });
    for (const fault of hub.pending()) fault.times = 0;
    await run(['build', '--output', 'other.tar'], env());
    s3.calm();
    expect(await run(['push', '--version', 'v3.0.0', '--registry', '127.0.0.1:1/team'], env())).toBe(1);
    expect(await run(['push', `--password=${registry.password}`], env())).toBe(2);
    expect(await run(['push', '--registry', `me:${registry.password}@${registry.host}/team`], env())).toBe(2);
    expect(await run(['lock', '--mirror', `a.example=b:${token}@c.example`], env())).toBe(2);
  });

  test('are in no file, argument list, image or message', async () => {
    expect(shown.length).toBeGreaterThan(20);
    expect([...commandLines].some((line) => line.includes('modelcars.ts'))).toBe(true);
    for (const text of shown) expect(found(text)).toEqual([]);
    // Two runs above received a password as an argument from their caller, which the program cannot undo.
    const lines = [...commandLines].filter((line) => !/--password=|me:|b:hf_/.test(line));
    for (const line of lines) expect([line, found(line)]).toEqual([line, []]);

    const looked: string[] = [];
    for (const place of [folder, registry.storage]) {
      for (const entry of await readdir(place, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const path = join(entry.parentPath, entry.name);
        looked.push(path);
        expect([path, found(await readFile(path))]).toEqual([path, []]);
      }
    }
    for (const part of ['out.tar', 'index.json', 'models.lock.yaml', '.store/', registry.storage])
      expect(looked.some((path) => path.includes(part))).toBe(true);
    const keys = await s3.keys('models');
    expect(keys.length).toBeGreaterThan(3);
    for (const key of keys) expect([key, found((await objectBytes(s3, key)) ?? '')]).toEqual([key, []]);
  });

  test('are found by this search when planted', () => {
    expect(found(`Authorization: Bearer ${token}`)).toEqual(['the hub token']);
    expect(found(`https://cdn/x?${encodeURIComponent(s3.secretKey)}`)).toEqual(['the S3 secret key']);
  });
});
