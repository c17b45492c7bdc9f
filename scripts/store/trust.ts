import { constants, lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, isAbsolute, join, parse, resolve, sep } from 'node:path';
import { ModelcarsError } from '../errors.ts';
import { shellWord } from '../text/shell.ts';

/** Why a store is not trusted. */
export interface Distrust {
  /** The store's folder. */
  folder: string;
  /** "others can write to /srv/store (mode 0777)". */
  why: string;
  /** The fix, as an imperative sentence. */
  next: string;
  /**
   * `all`: its contents may be another user's. `code`: it belongs to this user, but another user can replace the whole
   * store at any moment. A file whose owner is checked after opening it can be trusted; what other programs read from
   * the store cannot.
   */
  scope: 'all' | 'code';
}

/** A path that another user controls. */
interface Fault {
  path: string;
  /**
   * `owner`: owned by another user; `mode`: owned by this user, but others can write to it; `way`: the same of a parent
   * folder; `loop`: endless links.
   */
  kind: 'owner' | 'mode' | 'way' | 'loop';
  stats: Stats;
}

/**
 * The users that a run trusts with its files: its own, root, and the owner of `/` where root has another id (user
 * namespaces).
 */
interface Self {
  user: number;
  trusted: ReadonlySet<number>;
  groups: ReadonlySet<number>;
}

/**
 * Folders whose contents a run uses unchecked, or that its writes pass through: all are private to the user, or the
 * store is not used.
 */
const parts = [
  '',
  'compile',
  'layers',
  'blobs',
  'blobs/sha256',
  'files',
  'files/sha256',
  'hashes',
  'servers',
  'smoke',
];
/** How many links Linux follows in one path (MAXSYMLINKS). */
const mostLinks = 40;

/**
 * Why the store in `folder` must not be used for code or digests; undefined when it can be. The folder need not exist
 * yet. Anyone who can write to a store chooses what a run executes (the compile cache, model servers) and publishes
 * (layer digests), so: the store and its folders belong to the user of this process, no other user can write to them,
 * and each folder and link on the path to it belongs to this user or root. For code (`scope`), no other user can write
 * to the path either, as sshd's StrictModes requires of a home, unless the folder is sticky like /tmp: CI folders are
 * often writable by all of a container. A group counts as other users, except root's and, on the path only, the user's
 * own (with the same number). Systems without user ids have nothing to compare.
 */
export function distrustOf(folder: string, user = process.geteuid?.()): Distrust | undefined {
  if (user === undefined) return undefined;
  const { uid, gid } = lstatSync(parse(resolve(folder)).root);
  const self = { user, trusted: new Set([user, 0, uid]), groups: new Set([user, 0, gid]) };
  const faults = [
    ...parts.flatMap((part) => faultsAt(join(folder, part), self)),
    ...compiledFaults(folder, self),
  ];
  const unique = faults.filter(({ path }, at) => faults.findIndex((one) => one.path === path) === at);
  return unique.length === 0 ? undefined : explain(resolve(folder), unique, self);
}

/** The warning's text. */
export function distrustLine({ folder, why, next }: Distrust): string {
  return `the store ${folder} is not trusted: ${why}; this run uses no compiled code and no digests from it, and writes nothing to it (to fix: ${next})`;
}

/** Fails with code `disk` when the store is not trusted and `what` ("prune the store") requires it. */
export function requireTrust(distrust: Distrust | undefined, what: string): void {
  if (distrust === undefined) return;
  const { folder, why, next } = distrust;
  throw new ModelcarsError('disk', `${what}: ${folder} is not trusted: ${why}`, { next });
}

const told = new Set<string>();

/** Warns of an untrusted store, once per process and store. Silent when only code is affected: that only costs time. */
export function tellDistrust(distrust: Distrust | undefined, warn: (line: string) => void): void {
  if (distrust?.scope !== 'all' || told.has(distrust.folder)) return;
  told.add(distrust.folder);
  warn(distrustLine(distrust));
}

/** Whether only this user can have written this folder, or this file that is already open. */
function isOwn({ uid, mode }: Stats, user = process.geteuid?.()): boolean {
  return user === undefined || (uid === user && (mode & 0o022) === 0);
}

/** The text of a small file that only this user can have written, of at most `most` bytes; otherwise undefined. */
export async function readOwn(path: string, most: number): Promise<string | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(path, flags).catch(() => undefined);
  try {
    const stats = await handle?.stat();
    if (!stats?.isFile() || stats.size > most || !isOwn(stats)) return undefined;
    return await handle?.readFile('utf8');
  } catch {
    return undefined;
  } finally {
    await handle?.close();
  }
}

/**
 * Walks the path to a folder through its links, as the system does. A missing or unreadable folder counts as no fault.
 */
function faultsAt(path: string, self: Self): Fault[] {
  const faults: Fault[] = [];
  const absolute = resolve(path);
  const { root } = parse(absolute);
  const rest = steps(absolute.slice(root.length));
  let at = root;
  let stats: Stats | undefined = lstatSync(root);
  for (let links = 0; ; ) {
    const name = rest.shift();
    if (name === undefined ? !isOwn(stats, self.user) : !isSafeWay(stats, self))
      faults.push(faultOf(at, stats, self, name === undefined ? 'mode' : 'way'));
    if (name === undefined) return faults;
    const next = name === '..' ? dirname(at) : join(at, name);
    const found = see(next);
    if (found === undefined) return faults;
    if (found.isSymbolicLink()) {
      if (!self.trusted.has(found.uid)) return [...faults, { path: next, kind: 'owner', stats: found }];
      if (++links > mostLinks) return [...faults, { path: next, kind: 'loop', stats: found }];
      const target = readlinkSync(next);
      rest.unshift(...steps(target));
      if (isAbsolute(target)) at = root;
      stats = lstatSync(at);
    } else {
      at = next;
      stats = found;
    }
  }
}

/**
 * Compile cache files that another user created while the folder was open to all: closing the folder does not change
 * their owner. Node reads only the folder of its own version (`v24.1.0-x64-…`): the others are not looked at, since
 * every release of Node and of modelcars leaves some behind.
 */
function compiledFaults(folder: string, self: Self): Fault[] {
  const compile = join(folder, 'compile');
  const ours = list(compile).filter((name) => name.startsWith(`${process.version}-`));
  const versions = ours.map((name) => join(compile, name));
  const all = [
    ...versions,
    ...versions.flatMap((version) => list(version).map((name) => join(version, name))),
  ];
  const faults: Fault[] = [];
  for (const path of all) {
    const stats = see(path);
    if (stats !== undefined && !isOwn(stats, self.user)) faults.push(faultOf(path, stats, self));
  }
  return faults;
}

function isSafeWay({ uid, gid, mode }: Stats, { trusted, groups }: Self): boolean {
  if (!trusted.has(uid)) return false;
  if ((mode & 0o1000) !== 0) return true; // sticky: only an entry's owner can replace it
  return (mode & 0o002) === 0 && ((mode & 0o020) === 0 || groups.has(gid));
}

function faultOf(path: string, stats: Stats, { user, trusted }: Self, kind: 'mode' | 'way' = 'mode'): Fault {
  const foreign = kind === 'way' ? !trusted.has(stats.uid) : stats.uid !== user;
  return { path, kind: foreign ? 'owner' : kind, stats };
}

function explain(folder: string, faults: readonly Fault[], { user }: Self): Distrust {
  const scope = faults.every(({ kind }) => kind === 'way') ? 'code' : 'all';
  const elsewhere = 'name a folder of your own with --store or MODELCARS_STORE';
  const foreign = faults.find(({ kind }) => kind === 'owner');
  if (foreign !== undefined) {
    const { path, stats } = foreign;
    const why = `${path} belongs to user ${stats.uid}, and this process runs as user ${user}`;
    const inside = path.startsWith(`${folder}${sep}`);
    const sudo = user === 0 ? 'run as that user (without sudo), or ' : '';
    return {
      folder,
      scope,
      why,
      next: inside ? `delete ${shellWord(path)}, or ${elsewhere}` : `${sudo}${elsewhere}`,
    };
  }
  const loop = faults.find(({ kind }) => kind === 'loop');
  if (loop !== undefined)
    return { folder, scope, why: `${loop.path} is a link without an end`, next: elsewhere };
  const [first] = faults;
  const more = faults.length > 1 ? ` and ${faults.length - 1} more` : '';
  const mode = ((first?.stats.mode ?? 0) & 0o7777).toString(8).padStart(4, '0');
  const own = faults.every(({ stats }) => stats.uid === user);
  const open = faults.some(({ stats }) => (stats.mode & 0o002) !== 0) ? 'other users' : 'its group';
  const paths = faults.map(({ path }) => shellWord(path));
  const chmod = `chmod ${paths.length > 8 ? `-R go-w ${shellWord(folder)}` : `go-w ${paths.join(' ')}`}`;
  return {
    folder,
    scope,
    why: `${open} can write to ${first?.path}${more} (mode ${mode})`,
    next: own ? chmod : elsewhere,
  };
}

function steps(path: string): string[] {
  return path.split(sep).filter((name) => name !== '' && name !== '.');
}

function see(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
