import { baseName, cleanPath, parentOf, whiteoutOf } from './paths.ts';
import type { Member } from './tar.ts';
import { ContractViolation } from './violation.ts';

interface Node {
  type: string;
  mode: number;
  /** Target of a symbolic link. */
  link?: string | undefined;
  children: Map<string, Node>;
}

/** Links followed before it counts as a loop, as in Linux. */
const hopLimit = 40;
/**
 * Path components walked in all, including those of links: each of 200,000 members could lead through 40 links of 2000
 * components.
 */
const stepLimit = 20_000_000;
/** Most file-system entries kept in memory. */
const nodeLimit = 1_000_000;

/** The file system that results from stacked layers (image-spec layer.md, "Applying Changesets"). */
export class Tree {
  readonly #root = newNode('directory', 0o755);
  #nodes = 0;
  #steps = 0;

  /**
   * Applies a member to the tree. Returns the path that it ends up at, which differs from its own if a parent is a
   * symbolic link, which engines follow. Throws a ContractViolation when the tree grows beyond the limit.
   */
  add(member: Pick<Member, 'path' | 'type' | 'mode' | 'link'>): string {
    const hidden = whiteoutOf(member.path);
    if (hidden !== undefined) {
      this.#hide(hidden);
      return hidden.path;
    }
    if (member.path === '') return '';
    const parent = this.#resolve(parentOf(member.path), true);
    if (parent === undefined) return member.path; // through a file or a loop of links: nothing there can run
    const name = baseName(member.path);
    const place = cleanPath(`${parent.path}/${name}`);
    const target =
      member.type === 'hard link' ? this.#resolve(cleanPath(member.link ?? ''), false)?.node : undefined;
    const old = parent.node.children.get(name);
    const node = newNode(target?.type ?? member.type, target?.mode ?? member.mode, member.link);
    // A directory over a directory merges; anything but a directory replaces.
    if (old?.type === 'directory' && node.type === 'directory') node.children = old.children;
    this.#put(parent.node, name, node);
    return place;
  }

  /** Resolves a path, following links: what is there, and its path without links; undefined if nothing exists at it. */
  find(path: string): { type: string; mode: number; path: string } | undefined {
    const found = this.#resolve(cleanPath(path), false);
    return found && { type: found.node.type, mode: found.node.mode, path: found.path };
  }

  /** The names in a folder, in no order; none if it is no folder. */
  names(path: string): string[] {
    return [...(this.#resolve(cleanPath(path), false)?.node.children.keys() ?? [])];
  }

  #put(parent: Node, name: string, node: Node): void {
    if (!parent.children.has(name) && ++this.#nodes > nodeLimit)
      throw new ContractViolation(
        `the base has over ${nodeLimit} files, too many to check`,
        {},
        'choose a smaller base',
      );
    parent.children.set(name, node);
  }

  #hide({ path, opaque }: { path: string; opaque: boolean }): void {
    const folder = this.#resolve(opaque ? path : parentOf(path), false)?.node;
    if (opaque) folder?.children.clear();
    else folder?.children.delete(baseName(path));
  }

  /** Walks a path, follows links, and with `make` creates missing directories. */
  #resolve(path: string, make: boolean): { node: Node; path: string } | undefined {
    const todo = path.split('/').toReversed();
    const trail: { name: string; node: Node }[] = [];
    const here = () => trail.at(-1)?.node ?? this.#root;
    for (let hops = 0; ; ) {
      const part = todo.pop();
      if (part === undefined) break;
      if (++this.#steps > stepLimit)
        throw new ContractViolation('the base has too many links to follow', {}, 'choose a smaller base');
      if (part === '' || part === '.') continue;
      if (part === '..') {
        trail.pop();
        continue;
      }
      if (here().type !== 'directory') return undefined;
      let next = here().children.get(part);
      if (next === undefined) {
        if (!make) return undefined;
        next = newNode('directory', 0o755);
        this.#put(here(), part, next);
      }
      if (next.type === 'symbolic link') {
        const link = next.link ?? '';
        if (++hops > hopLimit) return undefined;
        if (link.startsWith('/')) trail.length = 0;
        todo.push(...link.split('/').toReversed());
        continue;
      }
      trail.push({ name: part, node: next });
    }
    return { node: here(), path: trail.map(({ name }) => name).join('/') };
  }
}

function newNode(type: string, mode: number, link?: string): Node {
  return { type, mode, link, children: new Map() };
}
