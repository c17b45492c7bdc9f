import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { makeCatalog, tryModelcars } from '../parts/cli.ts';

/** Peers that send back the credentials they received, in another encoding. */
const ways: Record<string, (text: string) => string> = {
  'as it is': (text) => text,
  'percent-encoded': (text) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`).join(''),
  'percent-encoded twice': (text) => encodeURIComponent(encodeURIComponent(text)),
  'escaped for JSON twice': (text) =>
    JSON.stringify(JSON.stringify(text)).slice(3, -3).replaceAll('/', '\\/'),
  'as HTML': (text) => Array.from(text, (one) => `&#x${one.codePointAt(0)?.toString(16)};`).join(''),
  'in base64': (text) => Buffer.from(text).toString('base64'),
  'in base64 with something before it': (text) => Buffer.from(`a=${text}`).toString('base64url'),
};
const names = Object.keys(ways);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'secrets-'));
  await mkdir(join(folder, 'hub'));
  await makeCatalog(folder, [{ name: 'iris', framework: 'sklearn', files: { 'model.joblib': 'x' } }]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume();
    answer(request, response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return server;
}
const hostOf = (server: Server) => `127.0.0.1:${(server.address() as AddressInfo).port}`;

/** No 9 consecutive characters of the secret must appear, nor of any of its encodings. */
function expectHidden(shown: string, secret: string): void {
  expect(shown).toContain('****');
  for (const [name, write] of Object.entries(ways)) {
    const written = write(secret);
    const stretch = Math.ceil((written.length / secret.length) * 9) + 4;
    for (let at = 0; at + stretch <= written.length; at++)
      expect(shown, name).not.toContain(written.slice(at, at + stretch));
  }
}

describe('a hub', () => {
  const token = 'hf_oQ7/wPk+Zt4Vx9Lm2Nb8Rc5';
  test.each(names)('that sends the token back %s does not get it printed', async (name) => {
    const { [name]: write = String } = ways;
    const server = await serve((request, response) => {
      const sent = request.headers.authorization?.replace('Bearer ', '') ?? 'nothing';
      response.writeHead(403, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: `you sent ${write(sent)}, which is not enough` }));
    });
    try {
      const cwd = join(folder, 'hub');
      await writeFile(join(folder, 'token'), token);
      const models = [{ name: 'm', framework: 'vllm', source: 'hf://org/m', base: 'embedded' }];
      await writeFile(join(cwd, 'models.yaml'), stringify({ models }));
      const env = {
        HF_ENDPOINT: `http://${hostOf(server)}`,
        HF_TOKEN: undefined,
        HF_TOKEN_PATH: join(folder, 'token'),
        DEBUG: 'modelcars',
      };
      const { code, stdout, stderr } = await tryModelcars(['lock'], { cwd, env });
      expect(code).toBe(1);
      expect(stderr).toMatch(/you sent/);
      expectHidden(stdout + stderr, token);
    } finally {
      server.close();
    }
  });
});

describe('a registry', () => {
  const password = 'pass/with+every"thing&<in> it, 2026';
  test.each(names)('that sends the password back %s does not get it printed', async (name) => {
    const { [name]: write = String } = ways;
    const server = await serve((request, response) => {
      const { authorization } = request.headers;
      if (authorization === undefined)
        return response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
      // A HEAD response has no text; tags are looked up by HEAD when they cannot be listed.
      if (request.method === 'HEAD') return response.writeHead(404).end();
      const basic = Buffer.from(authorization.replace('Basic ', ''), 'base64').toString();
      const message = `${authorization}: no ${write(basic.replace('me:', ''))}`;
      response.writeHead(403).end(JSON.stringify({ errors: [{ code: 'DENIED', message }] }));
    });
    const docker = join(folder, `docker-${names.indexOf(name)}`);
    try {
      await mkdir(docker);
      const auth = Buffer.from(`me:${password}`).toString('base64');
      const config = { auths: { [hostOf(server)]: { auth } } };
      await writeFile(join(docker, 'config.json'), JSON.stringify(config));
      const args = ['push', '--base', 'embedded', '--registry', `${hostOf(server)}/me`];
      const env = { DEBUG: 'modelcars', DOCKER_CONFIG: docker };
      const { code, stdout, stderr } = await tryModelcars(args, { cwd: folder, env });
      expect(code).toBe(1);
      expect(stderr).toMatch(/DENIED/);
      expectHidden(stdout + stderr, password);
    } finally {
      server.close();
    }
  });
});
