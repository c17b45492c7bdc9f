import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mediaTypes } from '../image/types.ts';
import { storeFolder } from './folder.ts';
import { prune } from './prune.ts';
import { Store } from './store.ts';
import { distrustOf } from './trust.ts';

let folder: string;
let store: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trust-'));
  store = join(folder, 'store');
  await Store.open(store);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const me = process.geteuid?.() ?? 0;
/** Another user's id: to that user, everything this test creates belongs to someone else. */
const stranger = 54_321;
const digest = `sha256:${'a'.repeat(64)}` as const;
const layer = { digest, size: 3, diffId: digest };
const key = 'b'.repeat(64);
const open = (path: string) => `other users can write to ${path} (mode 0777)`;

describe('distrustOf', () => {
  it('trusts a store of this user, and one that does not exist yet', () => {
    expect(distrustOf(store)).toBeUndefined();
    expect(distrustOf(join(folder, 'new', 'store'))).toBeUndefined();
  });

  it.each(['.', 'layers', 'blobs', 'blobs/sha256', 'files', 'files/sha256'])(
    'reports that others can write to %s, with the fix',
    async (name) => {
      const path = join(store, name);
      await chmod(path, 0o777);
      expect(distrustOf(store)).toEqual({
        folder: store,
        scope: 'all',
        why: open(path),
        next: `chmod go-w ${path}`,
      });
      await chmod(path, 0o720);
      expect(distrustOf(store)?.why).toBe(`its group can write to ${path} (mode 0720)`);
      await chmod(path, 0o755);
      expect(distrustOf(store)).toBeUndefined();
    },
  );

  it('checks executed files: the compile cache with its contents, and model servers', async () => {
    const cached = join(store, 'compile', `${process.version}-x64-0123abcd-0`, 'module');
    await mkdir(dirname(cached), { recursive: true, mode: 0o700 });
    await writeFile(cached, '', { mode: 0o600 });
    expect(distrustOf(store)).toBeUndefined();
    await chmod(cached, 0o777);
    expect(distrustOf(store)?.why).toBe(open(cached));
    // Node does not read what another version of it has compiled.
    await rename(dirname(cached), join(store, 'compile', 'v99.0.0-x64-0123abcd-0'));
    expect(distrustOf(store)).toBeUndefined();
    await mkdir(join(store, 'servers'));
    await chmod(join(store, 'servers'), 0o777);
    expect(distrustOf(store)?.why).toBe(open(join(store, 'servers')));
  });

  it('fixes all writable folders with one command, quoted for a shell', async () => {
    const odd = join(folder, "it's");
    await Store.open(odd);
    for (const path of [odd, join(odd, 'layers')]) await chmod(path, 0o777);
    const quoted = `'${odd.replace("'", "'\\''")}'`;
    expect(distrustOf(odd)?.next).toBe(`chmod go-w ${quoted} ${quoted.slice(0, -1)}/layers'`);
  });

  it("does not trust another user's store, not even root's", () => {
    const why = `belongs to user ${me}, and this process runs as user`;
    expect(distrustOf(store, stranger)?.why).toContain(`${why} ${stranger}`);
    expect(distrustOf(store, stranger)?.next).toBe(
      'name a folder of your own with --store or MODELCARS_STORE',
    );
  });

  it("does not trust a store in another user's folder, even before it exists", async () => {
    // Every user trusts root's folders, so root changes the owner.
    if (me === 0) await chown(folder, stranger, stranger);
    const [owner, user] = me === 0 ? [stranger, me] : [me, stranger];
    const why = `${folder} belongs to user ${owner}, and this process runs as user ${user}`;
    expect(distrustOf(join(folder, 'new'), user)?.why).toBe(why);
  });

  it('runs no code from a store that others can replace, unless the folder is sticky', async () => {
    await chmod(folder, 0o777);
    const next = `chmod go-w ${folder}`;
    expect(distrustOf(store)).toEqual({ folder: store, scope: 'code', why: open(folder), next });
    expect((await Store.open(store)).distrust).toBeUndefined();
    await chmod(folder, 0o1777);
    expect(distrustOf(store)).toBeUndefined();
  });

  it('follows links, and reports a loop', async () => {
    const link = join(folder, 'link');
    await symlink('store', link);
    expect(distrustOf(link)).toBeUndefined();
    await rename(join(store, 'layers'), join(folder, 'elsewhere'));
    await symlink('../elsewhere', join(store, 'layers'));
    expect(distrustOf(link)).toBeUndefined();
    await chmod(join(folder, 'elsewhere'), 0o777);
    expect(distrustOf(link)?.why).toBe(open(join(folder, 'elsewhere')));
    await rm(link);
    await symlink(link, link);
    expect(distrustOf(link)?.why).toBe(`${link} is a link without an end`);
  });
});

describe('a store that is not trusted', () => {
  it('returns and accepts no digests, and stays unchanged', async () => {
    await (await Store.open(store)).rememberLayer(key, layer);
    await chmod(store, 0o777);
    const before = await readdir(store, { recursive: true });
    const opened = await Store.open(store);
    expect(opened.distrust?.why).toBe(open(store));
    expect(await opened.layer(key)).toBeUndefined();
    await opened.rememberLayer('c'.repeat(64), layer);
    const blob = { mediaType: mediaTypes.layer, digest, size: 3 };
    const writing = opened.writeBlob(blob, (async function* () {})());
    await expect(writing).rejects.toMatchObject({ code: 'disk', next: `chmod go-w ${store}` });
    expect(await readdir(store, { recursive: true })).toEqual(before);
    await chmod(store, 0o700);
    expect(await (await Store.open(store)).layer(key)).toEqual(layer);
  });

  it('returns model files, which are checked by their hash, and keeps and deletes none', async () => {
    const file = { path: 'model', size: 3, sha256: 'd'.repeat(64) };
    const { files } = await Store.open(store);
    await mkdir(join(files.path(file.sha256), '..'), { recursive: true });
    await writeFile(files.path(file.sha256), 'abc');
    await chmod(store, 0o777);
    const opened = (await Store.open(store)).files;
    const before = await readdir(store, { recursive: true });
    const read: string[] = [];
    for await (const chunk of (await opened.open(file)) ?? []) read.push(String(chunk));
    expect(read).toEqual(['abc']);
    await opened.forget(file);
    const other = { ...file, sha256: 'e'.repeat(64) };
    const origin = async function* () {
      yield Buffer.from('xyz');
    };
    for await (const chunk of opened.keep(other, origin)) expect(String(chunk)).toBe('xyz');
    expect(await readdir(store, { recursive: true })).toEqual(before);
  });

  it('is not pruned: a link in it can lead anywhere', async () => {
    await chmod(store, 0o777);
    await expect(prune(store, { all: true })).rejects.toMatchObject({
      code: 'disk',
      message: `prune the store: ${store} is not trusted: ${open(store)}`,
      next: `chmod go-w ${store}`,
    });
  });
});

it('ignores a record that others can write to, or that is a link', async () => {
  const opened = await Store.open(store);
  const path = join(store, 'layers', `${key}.json`);
  await opened.rememberLayer(key, layer);
  await chmod(path, 0o666);
  expect(await opened.layer(key)).toBeUndefined();
  await chmod(path, 0o600);
  expect(await opened.layer(key)).toEqual(layer);
  await rename(path, join(folder, 'record'));
  await symlink(join(folder, 'record'), path);
  expect(await opened.layer(key)).toBeUndefined();
});

it('is created with access for this user only, whatever the umask', async () => {
  const before = process.umask(0);
  try {
    const made = join(folder, 'a', 'b');
    await Store.open(made);
    for (const path of [join(folder, 'a'), made, join(made, 'layers')])
      expect((await stat(path)).mode & 0o777).toBe(0o700);
  } finally {
    process.umask(before);
  }
});

describe('storeFolder', () => {
  it('ignores a relative XDG_CACHE_HOME, and needs no home', () => {
    expect(storeFolder({ XDG_CACHE_HOME: 'here', HOME: '/home/me' })).toBe('/home/me/.cache/modelcars');
    expect(storeFolder({ XDG_CACHE_HOME: '/caches', HOME: '/home/me' })).toBe('/caches/modelcars');
    expect(storeFolder({ MODELCARS_STORE: 'here' })).toBe('here');
  });
});
