import { chmod, mkdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Sandbox, type User } from './sandbox.ts';

/**
 * Every command that KServe 0.13 to 0.20 runs in a modelcar, as the container receives it: the kubelet has turned each
 * `$$` in args into one `$` (so the source's `$$$$` is `$$` here). Both are args `sh -c …`, without a command. Up to
 * 0.15 they are in pkg/webhook/admission/pod/storage_initializer_injector.go (createModelContainer,
 * createModelInitContainer), from 0.16 in pkg/utils/storage.go (CreateModelcarContainer, CreateModelcarInitContainer).
 * Multi-node workers, transformers and LLMInferenceService get the same ones.
 */
const sidecars = [
  { versions: '0.13, 0.14', path: '/mnt/models', script: 'ln -s /proc/$$/root/models /mnt/models' },
  { versions: '0.15 to 0.20', path: '/mnt/models', script: 'ln -sf /proc/$$/root/models /mnt/models' },
  {
    versions: '0.18 to 0.20, another mount path',
    path: '/mnt/models/my-llama',
    script: 'mkdir -p /mnt/models && ln -sf /proc/$$/root/models /mnt/models/my-llama',
  },
  {
    versions: '0.18 to 0.20, a name with a folder',
    path: '/mnt/models/meta-llama/Llama-2-7b',
    script:
      'mkdir -p /mnt/models/meta-llama && ln -sf /proc/$$/root/models /mnt/models/meta-llama/Llama-2-7b',
  },
  {
    versions: '0.20, a path with a space (ShellQuote)',
    path: '/mnt/my models/base',
    script: "mkdir -p '/mnt/my models' && ln -sf /proc/$$/root/models '/mnt/my models/base'",
  },
  {
    versions: '0.20, a path with a quote (ShellQuote)',
    path: "/mnt/it's/model",
    script: "mkdir -p '/mnt/it'\\''s' && ln -sf /proc/$$/root/models '/mnt/it'\\''s/model'",
  },
].map((sidecar) => ({ ...sidecar, script: `${sidecar.script} && sleep infinity` }));

/** 0.14 to 0.20; earlier versions have no init container. */
const prefetch =
  'echo \'Pre-fetching modelcar quay.io/me/iris@sha256:0123: \' && [ -d /models ] && [ "$(ls -A /models)" ] && ' +
  "echo 'OK ... Prefetched and valid (/models exists)' || " +
  "(echo 'NOK ... Prefetched but modelcar is invalid (/models does not exist or is empty)' && exit 1)";

const users: [string, User][] = [
  ['uid 1001', { uid: 1001, gid: 0 }],
  ['a random uid of group 0, as OpenShift gives', { uid: 1_000_730_000, gid: 0 }],
];

const obstacle = Sandbox.obstacle();
let sandbox: Sandbox;

beforeEach(async (context) => {
  if (obstacle !== undefined) context.skip(obstacle);
  sandbox = await Sandbox.create({ '/models/model.json': '{"weights":1}\n' });
});
afterEach(() => sandbox?.remove());

describe.each(users)('as %s', (_, user) => {
  test.each(sidecars)(
    'the sidecar of KServe $versions exposes the model to neighbouring containers',
    ({ script, path }) => {
      // The neighbour shares the PID namespace and the volume, waits as runtimes do, and reads through the link. The
      // image has no /dev/null to read from or write to.
      const neighbour = 'until cat "$2/model.json" 2> /tmp/errors; do sleep 0.05; done; ls -l "$2"';
      const all = `sh -c "$1" < /etc/group & ${neighbour}`;
      const { status, output } = sandbox.run(user, ['sh', '-c', all, 'sh', script, path]);
      const lines = output.split('\n');
      expect({ status, first: lines[0] }).toEqual({ status: 0, first: '{"weights":1}' });
      expect(lines[1]).toMatch(/ -> \/proc\/(?!1\/)\d+\/root\/models$/);
      expect(lines[1]).toContain(` ${path} -> `);
    },
  );

  test('the prefetch init container accepts a model', () => {
    const { status, output } = sandbox.run(user, ['sh', '-c', prefetch]);
    expect(output).toBe(
      'Pre-fetching modelcar quay.io/me/iris@sha256:0123: \nOK ... Prefetched and valid (/models exists)\n',
    );
    expect(status).toBe(0);
  });

  test.each(['absent', 'empty'])(
    'the prefetch init container refuses an image whose /models is %s',
    async (kind) => {
      const bare = await Sandbox.create({});
      try {
        if (kind === 'empty') await mkdir(join(bare.folder, 'models'));
        const { status, output } = bare.run(user, ['sh', '-c', prefetch]);
        expect(output).toContain('NOK ... Prefetched but modelcar is invalid');
        expect(status).toBe(1);
      } finally {
        bare.remove();
      }
    },
  );

  test('ls, cat, test, echo and mkdir work without a shell', () => {
    expect(sandbox.run(user, ['ls', '-la', '/models']).output).toMatch(
      /^total \d+\n.*\n.*\n-r--r--r-- .* model\.json\n$/,
    );
    expect(sandbox.run(user, ['cat', '/models/model.json'])).toEqual({
      status: 0,
      output: '{"weights":1}\n',
    });
    expect(sandbox.run(user, ['test', '-r', '/models/model.json']).status).toBe(0);
    expect(sandbox.run(user, ['[', '-w', '/models', ']']).status).toBe(1);
    expect(sandbox.run(user, ['echo', 'a', '$b']).output).toBe('a $b\n');
    expect(sandbox.run(user, ['mkdir', '/models/new'])).toEqual({
      status: 1,
      output: 'mkdir: /models/new: permission denied\n',
    });
  });
});

test("works as uid and gid 1010 (KServe's Helm chart), unknown to the image, with the pod's volume on /mnt", async () => {
  await chmod(join(sandbox.folder, 'mnt'), 0o777);
  const script = 'ln -sf /proc/$$/root/models /mnt/models && cat /mnt/models/model.json';
  expect(sandbox.run({ uid: 1010, gid: 1010 }, ['sh', '-c', script]).output).toBe('{"weights":1}\n');
});

test('a restarted sidecar replaces the link of its predecessor', () => {
  const script =
    'ln -s /proc/4194303/root/models /mnt/models; ln -sf /proc/$$/root/models /mnt/models && cat /mnt/models/model.json';
  expect(sandbox.run({ uid: 1001, gid: 0 }, ['sh', '-c', script]).output).toBe('{"weights":1}\n');
});

test('stays within the memory limit of a modelcar (15Mi), and process 1 exits at once on SIGTERM', async () => {
  const child = sandbox.start({ uid: 1001, gid: 0 }, ['sh', '-c', sidecars[1]?.script ?? '']);
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  const link = join(sandbox.folder, 'mnt/models');
  await expect.poll(() => readlink(link).catch(() => 'no link yet')).toBe('/proc/1/root/models');
  const pid = Sandbox.processOf(child);
  expect(pid).toBeDefined();
  expect(Sandbox.peakMemory(pid ?? 0)).toBeLessThan(10 * 2 ** 20);
  const start = performance.now();
  process.kill(pid ?? 0, 'SIGTERM');
  expect(await ended).toBe(128 + 15);
  expect(performance.now() - start).toBeLessThan(2000);
});
