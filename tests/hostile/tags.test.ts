import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tryModelcars } from '../parts/cli.ts';
import { missingParts } from '../parts/parts.ts';
import { startRegistry } from '../parts/registry.ts';
import { type ProxyRules, type RegistryProxy, registryError, startProxy } from '../parts/registry-proxy.ts';
import { tagDigest } from '../parts/tags.ts';
import {
  barrier,
  gate,
  makeProject,
  type Project,
  startUpstream,
  type Upstream,
  type UpstreamKind,
} from './_releases.ts';

const isPut = (tag: string) => (request: { method: string; path: string }) =>
  request.method === 'PUT' && request.path.endsWith(`/manifests/${tag}`);

/** Holds the first request that matches until `released` opens; `reached` opens once it has arrived. */
function holdFirst(matches: ReturnType<typeof isPut>) {
  const [reached, released] = [gate(), gate()];
  const rules: ProxyRules = {
    before: async (request) => {
      if (!matches(request) || reached.isOpen()) return undefined;
      reached.open();
      await released.opened;
      return undefined;
    },
  };
  return { rules, reached, released };
}

/** The digests of tags, by name. */
async function digests(host: string, ...tags: string[]): Promise<(string | undefined)[]> {
  return await Promise.all(tags.map((tag) => tagDigest(host, 'team/iris', tag)));
}

describe.each<UpstreamKind>(['fake', 'docker-registry', 'distribution'])('releases to %s', async (kind) => {
  const missing = kind === 'fake' ? false : await missingParts(kind);

  describe.skipIf(missing)('at the same time', () => {
    let upstream: Upstream;
    let iris: Project;
    let other: Project;
    beforeAll(async () => {
      [iris, other] = await Promise.all([makeProject('iris'), makeProject('another iris')]);
    });
    afterAll(async () => {
      await iris?.[Symbol.asyncDispose]();
      await other?.[Symbol.asyncDispose]();
    });

    /** A fresh registry behind these rules. */
    const withProxy = async (
      rules: ProxyRules,
      work: (proxy: RegistryProxy) => Promise<void>,
    ): Promise<void> => {
      upstream = await startUpstream(kind);
      try {
        await using proxy = await startProxy(upstream.host, rules);
        await work(proxy);
      } finally {
        await upstream[Symbol.asyncDispose]();
      }
    };

    test('a slow older release that ends after a newer one leaves latest at the newer one', async () => {
      const [uploading, released] = [gate(), gate()];
      let slow = false;
      const rules: ProxyRules = {
        before: async ({ method, path }) => {
          if (!slow || method !== 'PUT' || !path.includes('/manifests/sha256:')) return undefined;
          slow = false;
          uploading.open();
          await released.opened;
          return undefined;
        },
      };
      await withProxy(rules, async ({ host }) => {
        slow = true;
        const older = iris.push(host, '--version', 'v1.2.9');
        await uploading.opened;
        expect(await other.push(host, '--version', 'v1.3.0')).toMatchObject({ code: 0 });
        released.open();
        expect(await older).toMatchObject({ code: 0, stderr: expect.stringContaining('v1.3.0 is newer') });
        const [latest, v1, newer, v12, own] = await digests(host, 'latest', 'v1', 'v1.3.0', 'v1.2', 'v1.2.9');
        expect([latest, v1]).toEqual([newer, newer]);
        expect(v12).toBe(own);
      });
    });

    test('so does one overtaken between reading latest and moving it', async () => {
      const { rules, reached, released } = holdFirst(isPut('latest'));
      await withProxy(rules, async ({ host }) => {
        const older = iris.push(host, '--version', 'v1.2.9');
        await reached.opened;
        expect(await other.push(host, '--version', 'v1.3.0')).toMatchObject({ code: 0 });
        released.open();
        expect(await older).toMatchObject({ code: 0, stderr: expect.stringContaining('tag latest stays') });
        const [latest, newer] = await digests(host, 'latest', 'v1.3.0');
        expect(latest).toBe(newer);
      });
    });

    test('a truncated list of tags does not move latest back', async () => {
      const rules: ProxyRules = {
        after: ({ path }, answer) => {
          if (!path.includes('/tags/list')) return undefined;
          const body = Buffer.from(JSON.stringify({ name: 'team/iris', tags: ['v1', 'v1.0.0'] }));
          return { ...answer, headers: { 'content-length': `${body.length}` }, body };
        },
      };
      await withProxy(rules, async ({ host }) => {
        expect(await other.push(upstream.host, '--version', 'v1.3.0')).toMatchObject({ code: 0 });
        const older = await iris.push(host, '--version', 'v1.2.9');
        expect(older).toMatchObject({ code: 0, stderr: expect.stringContaining('says it is v1.3.0') });
        const [latest, v1, newer] = await digests(host, 'latest', 'v1', 'v1.3.0');
        expect([latest, v1]).toEqual([newer, newer]);
      });
    });

    test('of two jobs with different bytes for one version, the loser fails with both digests', async () => {
      // Both see that the tag is free before the first sets it; the first reads it back after the second has set it
      // too.
      const [bothSawIt, bothSetIt] = [barrier(2), barrier(2)];
      const rules: ProxyRules = {
        before: async (request) => {
          if (isPut('v1.0.0')(request)) await bothSawIt();
          return undefined;
        },
        after: async (request) => {
          if (isPut('v1.0.0')(request)) await bothSetIt();
          return undefined;
        },
      };
      await withProxy(rules, async ({ host }) => {
        const results = await Promise.all([iris, other].map((one) => one.push(host, '--version', 'v1.0.0')));
        expect(results.map(({ code }) => code).sort()).toEqual([0, 1]);
        const [winner, ...floating] = await digests(host, 'v1.0.0', 'v1.0', 'v1', 'latest');
        expect(floating).toEqual([winner, winner, winner]);
        const { stderr = '' } = results.find(({ code }) => code === 1) ?? {};
        expect(stderr).toContain(
          `another job published ${winner} under this version while this one published sha256:`,
        );
      });
    });

    test('a job whose version is taken while it sets the floating tags fails and leaves them to the winner', async () => {
      // The late job has seen that the version is free; it sets it while the early one sets the floating tags.
      const [lateSets, earlyMoves, lateEnds] = [gate(), gate(), gate()];
      const rules: ProxyRules = {
        before: async (request) => {
          if (isPut('v1.0.0')(request) && !lateSets.isOpen()) {
            lateSets.open();
            await earlyMoves.opened;
          } else if (isPut('latest')(request) && !earlyMoves.isOpen()) {
            earlyMoves.open();
            await lateEnds.opened;
          }
          return undefined;
        },
      };
      await withProxy(rules, async ({ host }) => {
        const late = iris.push(host, '--version', 'v1.0.0');
        await lateSets.opened;
        const early = other.push(host, '--version', 'v1.0.0');
        expect(await late).toMatchObject({ code: 0 });
        lateEnds.open();
        const [winner] = await digests(host, 'v1.0.0');
        const { code, stderr } = await early;
        expect({ code, stderr }).toEqual({
          code: 1,
          stderr: expect.stringMatching(
            new RegExp(`another job published ${winner} .* this one published sha256:`),
          ),
        });
        expect(await digests(host, 'v1.0.0', 'v1.0', 'v1', 'latest')).toEqual([
          winner,
          winner,
          winner,
          winner,
        ]);
      });
    });

    test('a job whose PUT got a 503 reads the tag again before it retries', async () => {
      let busy = true;
      const rules: ProxyRules = {
        before: async (request) => {
          if (!busy || !isPut('v1.0.0')(request)) return undefined;
          busy = false;
          await other.push(upstream.host, '--version', 'v1.0.0');
          return registryError(503, 'UNAVAILABLE', 'busy');
        },
      };
      await withProxy(rules, async ({ host }) => {
        const { code, stderr } = await iris.push(host, '--version', 'v1.0.0');
        const [winner] = await digests(host, 'v1.0.0');
        expect({ code, stderr }).toEqual({
          code: 1,
          stderr: expect.stringMatching(new RegExp(`the tag is ${winner}, this image is sha256:`)),
        });
        expect(await digests(host, 'v1.0', 'v1', 'latest')).toEqual([winner, winner, winner]);
      });
    });

    test('a job that sets the version after another one has ended fails as well', async () => {
      const { rules, reached, released } = holdFirst(isPut('v1.0.0'));
      await withProxy(rules, async ({ host }) => {
        const late = iris.push(host, '--version', 'v1.0.0');
        await reached.opened;
        expect(await other.push(host, '--version', 'v1.0.0')).toMatchObject({ code: 0 });
        const [first] = await digests(host, 'v1.0');
        released.open();
        expect(await late).toMatchObject({
          code: 1,
          stderr: expect.stringMatching(
            new RegExp(`another job published ${first} .* this one published sha256:`),
          ),
        });
      });
    });
  });
});

describe('a push of five models that the registry has', async () => {
  const missing = await missingParts('distribution');

  test.skipIf(missing)('takes under 45 requests, those for tokens included, and writes nothing', async () => {
    await using registry = await startRegistry({ kind: 'distribution', auth: 'token' });
    await using five = await makeProject('model', {}, ['a', 'b', 'c', 'd', 'e']);
    const { username: MODELCARS_REGISTRY_USERNAME, password: MODELCARS_REGISTRY_PASSWORD } = registry;
    const env = { MODELCARS_REGISTRY_USERNAME, MODELCARS_REGISTRY_PASSWORD };
    const push = () =>
      tryModelcars(['push', '--registry', `${registry.host}/team`], { cwd: five.folder, env });
    const count = () => registry.requests().length + (registry.tokens?.requests().length ?? 0);
    expect(await push()).toMatchObject({ code: 0 });
    const [before, requests] = [count(), registry.requests().length];
    expect(await push()).toMatchObject({ code: 0, stderr: expect.stringContaining('5 unchanged') });
    expect(count() - before).toBeGreaterThan(5);
    expect(count() - before).toBeLessThan(45);
    const writes = registry
      .requests()
      .slice(requests)
      .filter(({ method }) => !/^(GET|HEAD)$/.test(method));
    expect(writes).toEqual([]);
  });
});
