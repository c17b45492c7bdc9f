import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { respond } from '../support/fake-registry.ts';
import {
  addLargeImage,
  layersOf,
  openRebaseRoom,
  type RebaseRoom,
  transfers,
} from '../support/rebase-images.ts';

describe('rebase', () => {
  let room: RebaseRoom;
  /** A layer that the registry has without its bytes. */
  let large: { digest: string; size: number } | undefined;
  beforeAll(async () => {
    room = await openRebaseRoom({
      intercept({ method, url = '' }, response) {
        if (large === undefined || !url.includes(large.digest) || method !== 'HEAD') return undefined;
        return respond(response, 200, { 'content-length': large.size });
      },
    });
  });
  afterAll(async () => {
    await room?.[Symbol.asyncDispose]();
  });

  test('a dry run writes nothing and prints the digest that the image will have', async () => {
    const { code, outcome } = await room.rebase(
      ...['iris', '--base', room.bases[1], '--version', 'v1.2.4', '--dry-run'],
    );
    expect([code, outcome.status]).toEqual([0, 'planned']);
    expect(outcome.digest).toMatch(/^sha256:/);
    expect(room.requests().filter(({ method }) => !/^(GET|HEAD)$/.test(method))).toEqual([]);
  });

  test('makes a version on another base without a byte of the model, and sets the tags', async () => {
    const planned = await room.rebase(
      ...['iris', '--base', room.bases[1], '--version', 'v1.2.4', '--dry-run'],
    );
    room.requests();
    const { code, outcome, stderr } = await room.rebase(
      ...['iris', '--base', room.bases[1], '--version', 'v1.2.4'],
    );
    const requests = room.requests();
    const before = room.tag('v1.2.3');
    expect(code).toBe(0);
    expect(outcome).toMatchObject({
      status: 'done',
      name: `${room.registry.host}/me/iris`,
      from: `${room.registry.host}/me/iris:v1.2.3@${before}`,
      base: room.bases[1],
      digest: planned.outcome.digest,
      platforms: ['linux/amd64', 'linux/arm64'],
    });
    expect(transfers(requests, room.modelLayers)).toEqual([]);
    for (const tag of ['v1.2.4', 'v1.2', 'v1', 'latest']) expect(room.tag(tag)).toBe(outcome.digest);
    expect(room.tag('v1.2.3')).not.toBe(outcome.digest);
    const [old, made] = ['v1.2.3', 'v1.2.4'].map((tag) => layersOf(room.registry, tag));
    const own = (layers = made) => layers?.filter(({ annotations }) => annotations !== undefined);
    expect(own()).toEqual(own(old));
    expect(made).toHaveLength(2 + room.modelLayers.length);
    expect(stderr).toContain(`set \`base: ${room.bases[1]}\` and \`version: v1.2.4\` in models.yaml`);
  });

  test('a second run sends nothing', async () => {
    room.requests();
    const { outcome } = await room.rebase('iris', '--base', room.bases[1], '--version', 'v1.2.4');
    expect(outcome).toMatchObject({ status: 'unchanged', sent: 0 });
    expect(room.requests().filter(({ method }) => !/^(GET|HEAD)$/.test(method))).toEqual([]);
  });

  test('makes no version of an image that is on this base already', async () => {
    const { code, outcome, stderr } = await room.rebase(
      'iris',
      '--base',
      room.bases[1],
      '--version',
      'v1.2.5',
    );
    expect([code, outcome.status, outcome.tags]).toEqual([0, 'unchanged', []]);
    expect(stderr).toContain('is on this base already');
    expect(room.tag('v1.2.5')).toBeUndefined();
  });

  test('rebases a model of 100 GB that it could not read', async () => {
    large = addLargeImage(room.registry, 'v9.0.0', 100_000_000_000);
    room.requests();
    const { code, outcome } = await room.rebase(
      ...['iris@v9.0.0', '--base', room.bases[1], '--version', 'v9.0.1'],
    );
    expect([code, outcome]).toMatchObject([0, { status: 'done', sent: expect.any(Number) }]);
    expect(outcome.size).toBeGreaterThan(100_000_000_000);
    expect(outcome.sent).toBeLessThan(100_000);
    expect(transfers(room.requests(), [large.digest])).toEqual([]);
    for (const tag of ['v9.0.1', 'v9.0.0', 'v9', 'v9.0', 'latest'])
      room.registry.manifests.delete(`me/iris ${tag}`);
  });

  test('leaves floating tags at a newer version, and a version tag where it is', async () => {
    const line = ['iris@v1.2.3', '--base', 'embedded', '--version'];
    const newer = await room.rebase(...line, 'v1.3.0');
    const older = await room.rebase(...line, 'v1.2.9');
    expect(room.tag('latest')).toBe(newer.outcome.digest);
    expect(room.tag('v1.2')).toBe(older.outcome.digest);
    const again = await room.rebase('iris@v1.2.3', '--base', room.bases[1], '--version', 'v1.3.0');
    expect([again.code, again.outcome.error?.code]).toEqual([1, 'tag']);
    expect(room.tag('v1.3.0')).toBe(newer.outcome.digest);
  });

  test('needs no models.yaml for an image that is named in full, and mounts its layers elsewhere', async () => {
    await rename(join(room.folder, 'models.yaml'), join(room.folder, 'away.yaml'));
    room.requests();
    const { outcome } = await room.rebase(
      ...[`${room.registry.host}/me/iris:v1.2.3`, '--base', room.bases[1], '--version', 'v1.2.4'],
      ...['--to', `${room.registry.host}/other`],
    );
    await rename(join(room.folder, 'away.yaml'), join(room.folder, 'models.yaml'));
    expect(outcome).toMatchObject({ status: 'done', name: `${room.registry.host}/other/iris` });
    expect(room.tag('v1.2.4', 'other/iris')).toBe(room.tag('v1.2.4'));
    const moved = transfers(room.requests(), room.modelLayers);
    expect(moved).toHaveLength(room.modelLayers.length);
    for (const one of moved) expect(one).toMatch(/^POST .*mount=.*from=me%2Firis/);
  });

  test('gives the digest that a push of the same lock on this base gives, and verify --remote holds', async () => {
    await room.catalog(room.bases[1], 'v1.2.4');
    await rename(join(room.folder, 'hidden'), join(room.folder, 'iris'));
    const done = [
      await room.run('lock'),
      await room.run('verify', '--remote'),
      await room.run('push', '--registry', `${room.registry.host}/pushed`, '--unsafe-files', 'allow'),
    ];
    expect(done.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(room.tag('v1.2.4', 'pushed/iris')).toBe(room.tag('v1.2.4'));
  });
});
