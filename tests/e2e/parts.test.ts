import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { cached, missingParts, PartMissing } from '../parts/parts.ts';
import { startRegistry } from '../parts/registry.ts';

describe('parts', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-parts-'));
    vi.stubEnv('MODELCARS_PARTS', folder);
    vi.stubEnv('CI', '');
    vi.stubEnv('MODELCARS_REQUIRE_PARTS', '');
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true, force: true });
  });

  test('a part that this machine lacks is reported with what to install', async () => {
    vi.stubEnv('PATH', '/nonexistent');
    expect(await missingParts('crane')).toMatch(/install Go/);
    expect(await missingParts('docker-registry')).toMatch(/install the Debian package docker-registry/);
  });

  test.each(['CI', 'MODELCARS_REQUIRE_PARTS'])('with %s it is a failure, never a skip', async (name) => {
    vi.stubEnv('PATH', '/nonexistent');
    vi.stubEnv(name, 'true');
    await expect(missingParts('crane')).rejects.toThrow(PartMissing);
  });

  test('two processes that install the same part both get a complete one; a failed install leaves nothing', async () => {
    let made = 0;
    const make = async (into: string): Promise<void> => {
      made++;
      await writeFile(join(into, 'tool'), '#!/bin/sh\n');
      await chmod(join(into, 'tool'), 0o755);
    };
    const paths = await Promise.all([cached('tool-v1', 'tool', make), cached('tool-v1', 'tool', make)]);
    expect(new Set(paths)).toEqual(new Set([join(folder, 'tool-v1', 'tool')]));
    expect(await readFile(join(folder, 'tool-v1', 'tool'), 'utf8')).toBe('#!/bin/sh\n');
    expect(made).toBe(2);
    await cached('tool-v1', 'tool', make);
    expect(made).toBe(2);
    const fail = async (): Promise<void> => Promise.reject(new Error('no'));
    await expect(cached('tool-v2', 'tool', fail)).rejects.toThrow('no');
    await expect(cached('tool-v3', 'tool', async () => {})).rejects.toThrow('holds no tool');
    expect(await readdir(folder)).toEqual(['tool-v1']);
  });
});

describe.each(['docker-registry', 'distribution'] as const)('the token-guarded %s', async (kind) => {
  const missing = await missingParts(kind);

  test.skipIf(missing)('accepts the token of an account that can push, and no other', async () => {
    const grant = (access: { actions: string[] }, username?: string): string[] =>
      access.actions.filter((action) => action === 'pull' || username !== undefined);
    await using registry = await startRegistry({ kind, auth: 'token', tokens: { grant } });
    const upload = async (token: string): Promise<number> => {
      const headers = { authorization: `Bearer ${token}` };
      return (await fetch(`${registry.url}/v2/a/b/blobs/uploads/`, { method: 'POST', headers })).status;
    };
    const ask = async (credentials?: string): Promise<Response> => {
      const url = new URL(registry.tokens?.realm ?? '');
      url.searchParams.set('service', registry.tokens?.service ?? '');
      url.searchParams.set('scope', 'repository:a/b:pull,push');
      const headers = credentials ? { authorization: `Basic ${btoa(credentials)}` } : undefined;
      return await fetch(url, headers ? { headers } : {});
    };
    const token = async (credentials?: string): Promise<string> =>
      ((await (await ask(credentials)).json()) as { token: string }).token;

    expect(await upload(await token(`${registry.username}:${registry.password}`))).toBe(202);
    expect(await upload(await token())).toBe(401);
    expect((await ask(`${registry.username}:wrong`)).status).toBe(401);
    expect(registry.tokens?.requests().map(({ status }) => status)).toEqual([200, 200, 401]);
    expect(registry.requests()).toEqual([
      { method: 'POST', path: '/v2/a/b/blobs/uploads/', status: 202 },
      { method: 'POST', path: '/v2/a/b/blobs/uploads/', status: 401 },
    ]);
  });

  test.skipIf(missing)('refuses a token that has run out', async () => {
    await using registry = await startRegistry({ kind, auth: 'token', tokens: { lifetime: -1 } });
    const url = `${registry.tokens?.realm}?service=${encodeURIComponent(registry.tokens?.service ?? '')}`;
    const headers = { authorization: `Basic ${btoa(`${registry.username}:${registry.password}`)}` };
    const { token } = (await (await fetch(url, { headers })).json()) as { token: string };
    const answer = await fetch(`${registry.url}/v2/`, { headers: { authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(401);
  });
});
