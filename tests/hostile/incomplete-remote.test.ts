/** Incomplete models from hubs, URLs and S3: `lock` names the file, with few and small requests. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { modelcars, noise, tryModelcars } from '../parts/cli.ts';
import { type Hub, startHub } from '../parts/hub.ts';
import { missingParts } from '../parts/parts.ts';
import { type S3Server, startS3 } from '../parts/s3.ts';
import { startWeb, type Web } from '../parts/web.ts';
import { externalTensor, field, onnxOf, pointer, safetensors } from '../support/model-files.ts';
import { below, broken, defects, odd, refuseAll, useCatalogs, weights } from './_incomplete.ts';

const { path: catalogs, write } = useCatalogs();

describe('a hub', () => {
  let hub: Hub;
  const onnx = onnxOf(
    ...Array.from({ length: 40 }, (_, at) => field(5, field(9, noise(400_000, at + 1)))),
    field(5, externalTensor({ location: 'model.onnx_data' })),
  );
  beforeAll(async () => {
    const large = safetensors(noise(9_000_000, 5));
    const small = Object.fromEntries(
      Array.from({ length: 300 }, (_, at) => [`s/${at}.json`, `{"at": ${at}}`]),
    );
    hub = await startHub({
      models: {
        ...Object.fromEntries(
          Object.entries({ ...broken, odd }).map(([name, files]) => [`org/${name}`, { files }]),
        ),
        'org/large': { files: { 'model.safetensors': large } },
        'org/cut-large': { files: { 'model.safetensors': large.subarray(0, -7) } },
        'org/small': { files: small },
        'org/onnx': { files: { 'model.onnx': onnx } },
      },
    });
  });
  afterAll(async () => await hub?.stop());
  const env = () => ({ HF_ENDPOINT: hub.url, HF_TOKEN: undefined, HF_HOME: catalogs() });
  const of = (names: string[]) =>
    Object.fromEntries(names.map((name) => [name, { source: `hf://org/${name}` }]));

  test('every incomplete model is refused with its file name', async () => {
    await refuseAll(await write('hub', of([...Object.keys(defects), 'odd'])), 'hf', env());
  });

  test('only the header of large weights is read, in one request', async () => {
    const path = await write('hub-large', of(['large', 'cut-large']));
    const before = hub.requests().length;
    const { stderr } = await tryModelcars(['lock'], { cwd: path, env: env() });
    expect(stderr).toMatch(
      /resolve model cut-large: .* is truncated: its tensors need 9000000 bytes, its data has 8999993/,
    );
    const asked = hub
      .requests()
      .slice(before)
      .filter(({ part }) => part === 'cdn');
    expect(asked).toHaveLength(2);
    expect(asked.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0)).toBeLessThanOrEqual(2 * 128 * 1024);
  });

  test('small files are requested once', async () => {
    const path = await write('hub-small', of(['small']));
    const before = hub.requests().length;
    await modelcars(['lock'], { cwd: path, env: env() });
    // Each is one request, and the hub's own redirect.
    expect(hub.requests().slice(before).length).toBeLessThanOrEqual(2 * 300 + 10);
  });

  test('an ONNX model is scanned without its weights, in a bounded number of requests', async () => {
    const path = await write('hub-onnx', of(['onnx']));
    const before = hub.requests().length;
    await tryModelcars(['lock'], { cwd: path, env: env() });
    const asked = hub
      .requests()
      .slice(before)
      .filter(({ part }) => part === 'cdn');
    expect(asked.length).toBeLessThanOrEqual(24);
    expect(asked.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0)).toBeLessThan(onnx.length / 3);
  });
});

test('a URL: the content is checked against the file name', async () => {
  const kinds = ['pointer', 'cut', 'not-safetensors', 'page', 'onnx-parent', 'empty'];
  const webs: Web[] = [];
  try {
    const sources: Record<string, object> = {};
    for (const name of kinds) {
      const [file = '', content = ''] = Object.entries(defects[name]?.files ?? {}).findLast(() => true) ?? [];
      const web = await startWeb(file, Buffer.from(content as Uint8Array));
      webs.push(web);
      sources[name] = { source: web.url };
    }
    const { code, stderr } = await tryModelcars(['lock'], { cwd: await write('web', sources) });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /model\.safetensors: it is a Git LFS pointer, not the file\n.*next: use the URL that has the content/,
    );
    for (const name of kinds.slice(1)) {
      const [, said = ''] =
        new RegExp(
          `resolve model ${name}: (.*)\\n\\s*next: (?:check the URL in a browser|export the model)`,
        ).exec(stderr) ?? [];
      expect(said, name).toMatch(defects[name]?.problem ?? /^$/);
    }
    // The file is read once, for its hash.
    expect(webs.map(({ requests }) => requests.length)).toEqual(kinds.map(() => 1));
  } finally {
    for (const web of webs) await web[Symbol.asyncDispose]();
  }
});

describe.skipIf(await missingParts('versitygw'))('S3', () => {
  let s3: S3Server;
  beforeAll(async () => {
    s3 = await startS3();
    for (const [key, content] of Object.entries(below({ ...broken, odd })))
      await s3.put('models', key, content);
    // S3 has these objects' hashes, so no other reason to read them is left.
    const put = { Bucket: 'models', ChecksumAlgorithm: 'SHA256' } as const;
    await s3.client.putObject({ ...put, Key: 'known/model.safetensors', Body: weights.subarray(0, -3) });
    await s3.client.putObject({ ...put, Key: 'known-pointer/vocab.txt', Body: pointer });
  });
  afterAll(async () => await s3?.stop());

  test('every incomplete model is refused with its file name', async () => {
    const models = Object.fromEntries(
      [...Object.keys(defects), 'odd'].map((name) => [name, { source: `s3://models/${name}` }]),
    );
    await refuseAll(await write('s3', models), 's3', s3.env());
  });

  test('files whose hash S3 stores are refused as well', async () => {
    const path = await write('s3-known', {
      known: { source: 's3://models/known/' },
      other: { source: 's3://models/known-pointer/' },
    });
    const { stderr } = await tryModelcars(['lock'], { cwd: path, env: s3.env() });
    expect(stderr).toMatch(
      /resolve model known: model\.safetensors of \S+ is truncated: its tensors need 200000 bytes/,
    );
    expect(stderr).toMatch(/resolve model other: vocab\.txt of \S+ is a Git LFS pointer/);
  });
});
