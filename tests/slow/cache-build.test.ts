import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { launchModelcars, noise, tryModelcars } from '../parts/cli.ts';
import { type Hub, startHub } from '../parts/hub.ts';
import { missingParts } from '../parts/parts.ts';
import type { Result } from '../parts/run.ts';
import { type S3Server, startS3 } from '../parts/s3.ts';
import { objectBytes } from '../parts/s3cache.ts';

const missing = await missingParts('versitygw');
const files = {
  'model.joblib': noise(20_000_000, 1),
  'config.json': '{"a": 1}\n',
  'extra.txt': 'not chosen',
};
const token = 'hf_TopSecretTokenOfTheTest0123456789';
const at = 'models/org/model/';

describe.skipIf(missing)('a catalog with a cache', () => {
  let s3: S3Server;
  let hub: Hub;
  let folder: string;
  /** All output of all runs in this file. */
  const written: string[] = [];
  beforeAll(async () => {
    s3 = await startS3();
    hub = await startHub({
      models: { 'org/model': { files, private: true } },
      tokens: { [token]: { user: 'org', private: ['org/model'] } },
    });
    folder = await mkdtemp(join(tmpdir(), 'modelcars-cache-build-'));
    await catalog('cache: s3://models/models/\n');
    await ok(['lock']);
  });
  afterEach(() => s3?.calm());
  afterAll(async () => {
    await hub?.stop();
    await s3?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  const catalog = (top: string): Promise<void> =>
    writeFile(
      join(folder, 'models.yaml'),
      `${top}defaults: {base: embedded, platforms: [linux/amd64], version: v1.0.0}
models:
  - {name: m, framework: sklearn, source: "hf://org/model", include: [model.joblib, config.json]}
  - {name: local, framework: sklearn, source: "file:models.yaml", files: {model.joblib: "file:models.yaml"}, include: ["**"]}
`,
    );
  const settings = (env: Record<string, string | undefined> = {}) => ({
    cwd: folder,
    env: { ...s3.env(), HF_ENDPOINT: hub.url, HF_TOKEN: token, ...env },
  });
  const go = async (args: string[], env?: Record<string, string | undefined>): Promise<Result> => {
    const result = await tryModelcars(args, settings(env));
    written.push(result.stdout, result.stderr);
    return result;
  };
  const ok = async (args: string[], env?: Record<string, string | undefined>): Promise<string> => {
    const result = await go(args, env);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    return result.stderr;
  };
  let builds = 0;
  /** Builds the model; returns its digest, the number of requests to the hub, and stderr. */
  const build = async (env?: Record<string, string | undefined>) => {
    const before = hub.requests().length;
    const { code, stdout, stderr } = await go(
      ['build', 'm', '--unsafe-files', 'allow', '--frozen', '--json', '-o', `out-${builds++}`],
      {
        MODELCARS_STORE: join(folder, `store-${builds}`),
        ...env,
      },
    );
    expect(code, stderr).toBe(0);
    const asked = hub.requests().slice(before).length;
    return { digest: JSON.parse(stdout).models[0].digest as string, asked, stderr };
  };
  let plain: Awaited<ReturnType<typeof build>>;

  test('that is empty falls back to the hub, with one message', async () => {
    plain = await build();
    expect(plain.asked).toBeGreaterThan(0);
    expect(
      plain.stderr.match(/warning: cache s3:\/\/models\/models\/: it has no complete copy of/g),
    ).toHaveLength(1);
  });

  test('is filled with the chosen files, of hub models alone', async () => {
    expect(await ok(['cache', '--dry-run'])).not.toMatch(/local/);
    expect(await s3.keys('models')).toEqual([]);
    await ok(['cache']);
    expect(await s3.keys('models')).toEqual([
      `${at}.modelcars.json`,
      `${at}config.json`,
      `${at}model.joblib`,
    ]);
    expect((await go(['cache', 'local'])).code).toBe(2);
  });

  test('gives the same image without a byte from the hub', async () => {
    const cached = await build();
    expect(cached).toMatchObject({ digest: plain.digest, asked: 0 });
    expect(cached.stderr).not.toMatch(/warning/);
    const gone = await build({ HF_ENDPOINT: 'http://127.0.0.1:9', HF_TOKEN: undefined });
    expect(gone.digest).toBe(plain.digest);
  });

  test('that is partial is not enough for all files when the hub is unreachable', async () => {
    const gone = { HF_ENDPOINT: 'http://127.0.0.1:9' };
    expect((await go(['cache', '--model-name', 'org/model', '--bucket', 'models'], gone)).code).toBe(1);
  });

  test('is completed by a run for all files', async () => {
    const before = s3.requests().length;
    await ok(['cache', '--model-name', 'org/model', '--bucket', 'models']);
    expect(await s3.keys('models')).toContain(`${at}extra.txt`);
    const sent = s3
      .requests()
      .slice(before)
      .filter(({ method }) => method === 'PUT' || method === 'POST');
    expect(sent.filter(({ path }) => path.includes('model.joblib'))).toEqual([]);
    expect((await build()).asked).toBe(0);
    expect(await ok(['cache'])).not.toMatch(/started, /);
  });

  test('that is incomplete or was modified is never trusted', async () => {
    const manifest = new TextDecoder().decode(await objectBytes(s3, `${at}.modelcars.json`));
    const key = `${at}.modelcars.json`;
    const broken: [what: string, make: () => Promise<unknown>][] = [
      ['no manifest, all objects there', () => s3.client.deleteObject({ Bucket: 'models', Key: key })],
      ['a run at work', () => s3.put('models', key, manifest.replace('"complete":true', '"complete":false'))],
      [
        'another revision',
        () => s3.put('models', key, manifest.replace(/"revision":"\w{4}/, '"revision":"0000')),
      ],
      ['half a manifest', () => s3.put('models', key, manifest.slice(0, 200))],
      [
        'another hash',
        () => s3.put('models', key, manifest.replaceAll(/"sha256":"\w{4}/g, '"sha256":"0000')),
      ],
      [
        'another object of the same size',
        async () => {
          await s3.put('models', key, manifest);
          await s3.put('models', `${at}model.joblib`, noise(20_000_000, 2));
        },
      ],
      ['a lost object', () => s3.client.deleteObject({ Bucket: 'models', Key: `${at}model.joblib` })],
    ];
    for (const [what, make] of broken) {
      await make();
      const built = await build();
      expect(built.digest, what).toBe(plain.digest);
      expect(built.asked, what).toBeGreaterThan(0);
      expect(built.stderr, what).toMatch(
        /warning: cache s3:\/\/models\/models\/: .*; reading hf:\/\/org\/model from the hub/,
      );
    }
    await ok(['cache']);
    expect((await build()).asked).toBe(0);
  });

  test('that returns a wrong byte is not used again; the hub serves the files', async () => {
    const flipped = s3.fault({
      flipAfter: 9,
      match: ({ method, path }) => method === 'GET' && path.includes('model.joblib'),
    });
    const built = await build();
    expect(flipped()).toBe(1);
    expect(built.digest).toBe(plain.digest);
    expect(built.asked).toBeGreaterThan(0);
    expect(built.stderr).toMatch(/model\.joblib: the copy in the cache s3:\/\/models\/models\/ is damaged/);
  });

  test.each([
    ['is denied', () => s3.env(s3.stranger)],
    ['is not there', () => ({ S3_ENDPOINT_URL: 'http://127.0.0.1:9' })],
    ['has no credentials', () => ({ AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined })],
  ])('that %s costs a warning, not the build', async (_, env) => {
    const built = await build(env());
    expect(built.digest).toBe(plain.digest);
    expect(built.stderr.match(/warning: cache/g)).toHaveLength(1);
  });

  test('leaks no secret: outputs, debug output, process list, lock, bucket, image', async () => {
    const file = join(folder, 'credentials');
    const session = 'SessionTokenThatNobodyMaySee0123456789';
    const profile = (secret: string) =>
      writeFile(file, `[default]\naws_access_key_id=${s3.accessKey}\naws_secret_access_key=${secret}\n`);
    await profile(s3.secretKey);
    const fromFile = {
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
      AWS_SHARED_CREDENTIALS_FILE: file,
    };
    const debug = { DEBUG: 'modelcars' };
    await s3.client.deleteObject({ Bucket: 'models', Key: `${at}model.joblib` });
    // Arguments are inspected while it works, as ps shows them.
    const child = launchModelcars(['cache'], settings({ ...fromFile, ...debug }));
    const texts: Promise<string>[] = [child.stdout, child.stderr].map(async (stream) => {
      let all = '';
      for await (const chunk of stream ?? []) all += chunk;
      return all;
    });
    let running = true;
    const end = new Promise<void>((resolve) =>
      child.once('close', () => {
        running = false;
        resolve();
      }),
    );
    let looks = 0;
    while (running) {
      for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
        try {
          const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
          if (line.includes('modelcars.ts')) looks++;
          written.push(line);
        } catch {} // ended meanwhile
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await end;
    written.push(...(await Promise.all(texts)));
    expect(child.exitCode).toBe(0);
    expect(looks).toBeGreaterThan(0);
    const failures: Record<string, string | undefined>[] = [
      { AWS_SECRET_ACCESS_KEY: 'WrongSecretThatIsNotShown0123456789', ...debug },
      { AWS_SESSION_TOKEN: session, ...debug },
      { ...fromFile, S3_ENDPOINT_URL: 'http://127.0.0.1:9', ...debug },
      { ...s3.env(s3.stranger), ...debug },
    ];
    for (const env of failures) {
      expect((await go(['cache', '--model-name', 'org/model', '--bucket', 'models'], env)).code).toBe(1);
    }
    await profile('WrongSecretThatIsNotShown0123456789');
    expect((await go(['cache'], { ...fromFile, ...debug })).code).toBe(1);

    written.push(await readFile(join(folder, 'models.lock.yaml'), 'utf8'));
    written.push(new TextDecoder().decode(await objectBytes(s3, `${at}.modelcars.json`)));
    for (const entry of readdirSync(join(folder, 'out-0', 'blobs', 'sha256')))
      written.push(readFileSync(join(folder, 'out-0', 'blobs', 'sha256', entry), 'latin1'));
    const all = written.join('\n');
    const { accessKey, secretKey, stranger } = s3;
    const secrets = [
      token,
      secretKey,
      accessKey,
      stranger.accessKey,
      stranger.secretKey,
      session,
      'WrongSecretThatIsNotShown',
    ];
    expect(secrets.filter((secret) => all.includes(secret))).toEqual([]);
    // The only credential that may be shown in part: its first and last 4 characters.
    expect(all).toContain(`access key ${accessKey.slice(0, 4)}****${accessKey.slice(-4)}`);
    expect(all.length).toBeGreaterThan(20_000_000);
  });
});
