import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missingParts, missingRoot, part } from '../parts/parts.ts';
import { type Podman, startPodman } from '../parts/podman.ts';
import { expectContract, judgeMount, surveyCommand, users } from './_containers.ts';
import { buildImages, type Images, judgedZstd } from './_images.ts';

const missing = missingRoot('podman') ?? (await missingParts('podman', 'runc', 'busybox'));

/** KServe pkg/utils/storage.go, CreateModelcarInitContainer (`$$` is Kubernetes' escape for `$`). */
const prefetch = (image: string): string =>
  `echo 'Pre-fetching modelcar ${image}: ' && [ -d /models ] && [ "$(ls -A /models)" ] && echo 'OK ... Prefetched and valid (/models exists)' || (echo 'NOK ... Prefetched but modelcar is invalid (/models does not exist or is empty)' && exit 1)`;
/** The same file, modelcarCommand: for the default path and for another one. */
const sidecar = 'ln -sf /proc/$$/root/models /mnt/models && sleep infinity';
const sidecarElsewhere =
  "mkdir -p '/mnt/more' && ln -sf /proc/$$/root/models '/mnt/more/models' && sleep infinity";

describe.skipIf(missing)('podman', () => {
  let images: Images;
  let podman: Podman;
  let scratch: string;
  let judge: string[];

  beforeAll(async () => {
    images = await buildImages(judgedZstd);
    podman = await startPodman();
    scratch = await mkdtemp(join(tmpdir(), 'modelcars-podman-judge-'));
    judge = ['--volume', `${await part('busybox')}:${judgeMount}/busybox:ro`];
    const load = await podman.podman('load', '--quiet', '--input', images.archive);
    if (load.code !== 0) throw new Error(load.stderr);
  });
  afterAll(async () => {
    await podman?.[Symbol.asyncDispose]();
    await images?.[Symbol.asyncDispose]();
    if (scratch) await rm(scratch, { recursive: true, force: true });
  });

  test('loads every image of the archive', async () => {
    const { stdout } = await podman.podman('images', '--format', '{{.Repository}}:{{.Tag}}');
    expect(stdout.trim().split('\n').sort()).toEqual(images.names.map((name) => `localhost/${name}`).sort());
  });

  test.each(users)(
    'as %s every file is readable, nothing is writable, owner and modes follow the contract',
    async (user) => {
      for (const model of images.models) {
        const run = ['--rm', '--user', user, ...judge, `localhost/${model.name}:v1.0.0`];
        expectContract(await podman.run(...run, ...surveyCommand('/models')), model);
      }
    },
  );

  test("the image's user is 1001", async () => {
    for (const name of images.names) {
      const { stdout } = await podman.run(
        '--rm',
        ...judge,
        `localhost/${name}`,
        '/judge/busybox',
        'id',
        '-u',
      );
      expect(stdout).toBe('1001\n');
    }
  });

  test('the check finds a writable file or folder', async () => {
    const [model] = images.models;
    if (!model) throw new Error('no model');
    const folder = join(scratch, 'writable');
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o777);
    await writeFile(join(folder, 'model.joblib'), 'x', { mode: 0o666 });
    await chmod(join(folder, 'model.joblib'), 0o666);
    const mounted = ['--rm', ...judge, '--volume', `${folder}:/models`, `localhost/${model.name}:v1.0.0`];
    const result = await podman.run(...mounted, ...surveyCommand('/models'));
    expect(result.stdout).toMatch(/^written \.\/probe$/m);
    expect(result.stdout).toMatch(/^written \.\/model\.joblib$/m);
    expect(() => expectContract(result, model)).toThrow();
  });

  test.each(users)("KServe's prefetch init container succeeds as %s", async (user) => {
    for (const name of images.names) {
      const result = await podman.run(
        '--rm',
        '--user',
        user,
        `localhost/${name}`,
        'sh',
        '-c',
        prefetch(name),
      );
      expect(result).toMatchObject({ code: 0, stderr: '' });
      expect(result.stdout).toMatch(/^OK \.\.\. /m);
    }
  });

  test("KServe's prefetch init container fails on an image without files", async () => {
    const folder = await mkdtemp(join(scratch, 'empty-'));
    const empty = ['--rm', '--volume', `${folder}:/models:ro`, `localhost/${images.names[0]}`];
    const result = await podman.run(...empty, 'sh', '-c', prefetch('x'));
    expect(result.code).toBe(1);
    expect(result.stdout).toMatch(/^NOK /m);
  });

  describe.each([
    ['/mnt/models', sidecar],
    ['/mnt/more/models', sidecarElsewhere],
  ])("KServe's modelcar sidecar at %s", (path, command) => {
    test.each(users)('lets another container of the pod read the model as %s', async (user) => {
      for (const model of images.models) {
        const image = `localhost/${model.name}:v1.0.0`;
        // An emptyDir is a folder of mode 0777 that both containers mount.
        const shared = await mkdtemp(join(scratch, 'mnt-'));
        await chmod(shared, 0o777);
        const common = ['--user', user, '--volume', `${shared}:/mnt`];
        const started = await podman.run('--detach', '--name', 'car', ...common, image, 'sh', '-c', command);
        expect(started).toMatchObject({ code: 0 });
        const server = ['--rm', '--pid=container:car', ...judge];
        const wait = `until [ -d ${path}/ ]; do ${judgeMount}/busybox sleep 0.1; done`;
        await podman.run(
          ...server,
          ...common,
          image,
          `${judgeMount}/busybox`,
          'timeout',
          '20',
          'sh',
          '-c',
          wait,
        );
        const survey = await podman.run(...server, ...common, image, ...surveyCommand(`${path}/`));
        const stranger = ['--user', '4242:4242', '--volume', `${shared}:/mnt`, image];
        const denied = await podman.run(...server, ...stranger, ...surveyCommand(`${path}/`));
        await sleep(300);
        const running = await podman.podman('ps', '--format', '{{.Names}}');
        const { stdout: logs, stderr: errors } = await podman.podman('logs', 'car');
        const removed = await podman.podman('rm', '--force', '--time=0', 'car');
        expect(removed.code).toBe(0);
        expectContract(survey, model);
        // The kernel lets only the same user through /proc/PID/root: without this the judge above proves little.
        expect(denied.code).toBe(1);
        expect({ running: running.stdout, logs, errors }).toEqual({ running: 'car\n', logs: '', errors: '' });
      }
    });
  });
});
