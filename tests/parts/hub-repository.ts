/** Repositories of the hub: immutable commits, names that point at them, and their representation in the API. */
import { createHash } from 'node:crypto';
import { parse } from 'yaml';
import { type Blob, blobOf, type HubFiles } from './hub-content.ts';

export interface HubModel {
  /** Of the branch `main`. */
  files: HubFiles;
  /** Other branches and tags. */
  revisions?: Record<string, HubFiles>;
  gated?: 'auto' | 'manual';
  private?: boolean;
  /** The default front matter of README.md. */
  cardData?: Record<string, unknown>;
  /** Pull requests and other discussions; the files of number 3 are those of the revision `refs/pr/3`. */
  discussions?: HubDiscussion[];
}

export interface HubDiscussion {
  num: number;
  title: string;
  /** Name of the account. */
  author: string;
  status?: 'open' | 'closed' | 'merged' | 'draft';
  isPullRequest?: boolean;
}

/** Path → blob. */
export type Tree = ReadonlyMap<string, Blob>;

export class Repository {
  readonly name: string;
  readonly model: HubModel;
  readonly #commits = new Map<string, Tree>();
  readonly #names = new Map<string, string>();

  private constructor(name: string, model: HubModel) {
    this.name = name;
    this.model = model;
  }

  static async make(name: string, model: HubModel): Promise<Repository> {
    const repository = new Repository(name, model);
    await repository.commit('main', model.files);
    for (const [revision, files] of Object.entries(model.revisions ?? {}))
      await repository.commit(revision, files);
    return repository;
  }

  get gated(): 'auto' | 'manual' | undefined {
    return this.model.gated;
  }

  get private(): boolean {
    return this.model.private ?? false;
  }

  /** Points a branch or tag at these files. Earlier commits stay. Returns the commit. */
  async commit(revision: string, files: HubFiles): Promise<string> {
    const tree = new Map<string, Blob>();
    for (const [path, file] of Object.entries(files)) tree.set(path, await blobOf(path, file));
    const hash = createHash('sha1').update(`${this.name}\n`);
    for (const [path, { oid }] of [...tree].sort()) hash.update(`${oid} ${path}\n`);
    const sha = hash.digest('hex');
    this.#commits.set(sha, tree);
    this.#names.set(revision, sha);
    return sha;
  }

  /** The commit of a branch, tag or commit; undefined if it does not exist. */
  resolve(revision: string): string | undefined {
    if (revision === 'HEAD') return this.#names.get('main');
    return this.#names.get(revision) ?? (this.#commits.has(revision) ? revision : undefined);
  }

  tree(sha: string): Tree {
    return this.#commits.get(sha) ?? new Map();
  }

  /** The model as the API describes it at a commit. */
  async info(sha: string, blobs: boolean): Promise<Record<string, unknown>> {
    const tree = this.tree(sha);
    const card = this.model.cardData ?? (await readCard(tree.get('README.md')));
    const siblings = [...tree].map(([path, blob]) => ({
      rfilename: path,
      ...(blobs && {
        size: blob.size,
        blobId: blob.oid,
        ...(blob.pointerSize && { lfs: lfsOf(blob, 'sha256') }),
      }),
    }));
    return {
      _id: createHash('sha1').update(this.name).digest('hex').slice(0, 24),
      id: this.name,
      modelId: this.name,
      author: this.name.split('/')[0],
      sha,
      private: this.private,
      gated: this.gated ?? false,
      disabled: false,
      downloads: 17,
      likes: 3,
      tags: ['region:us'],
      lastModified: '2026-01-02T03:04:05.000Z',
      createdAt: '2025-01-02T03:04:05.000Z',
      ...(typeof card?.pipeline_tag === 'string' && { pipeline_tag: card.pipeline_tag }),
      ...(typeof card?.library_name === 'string' && { library_name: card.library_name }),
      ...(card && { cardData: card }),
      siblings,
    };
  }

  /** A page of the discussions API, which filters by `type` and `status`. */
  discussions(query: URLSearchParams, pageSize: number): Record<string, unknown> {
    const [type, status] = [query.get('type') ?? 'all', query.get('status') ?? 'all'];
    const all = (this.model.discussions ?? []).filter(
      ({ isPullRequest = true, status: state = 'open' }) =>
        (type === 'all' || (type === 'pull_request') === isPullRequest) &&
        (status === 'all' || (status === 'open' ? ['open', 'draft'].includes(state) : state === status)),
    );
    const start = Number(query.get('p') ?? 0) * pageSize;
    return {
      discussions: all
        .slice(start, start + pageSize)
        .map(({ num, title, author, status, isPullRequest }) => ({
          num,
          title,
          author: { _id: '0'.repeat(24), name: author, fullname: author, type: 'user', isHf: false },
          repo: { name: this.name, type: 'model' },
          status: status ?? 'open',
          createdAt: '2026-01-02T03:04:05.000Z',
          isPullRequest: isPullRequest ?? true,
          numComments: 0,
          pinned: false,
        })),
      count: all.length,
      start,
      numClosedDiscussions: 0,
    };
  }

  /** Entries of the tree API: files and the folders among them. */
  entries(sha: string, folder: string, recursive: boolean, expand: boolean): Record<string, unknown>[] {
    const prefix = folder === '' ? '' : `${folder}/`;
    const entries = new Map<string, Record<string, unknown>>();
    for (const [path, blob] of [...this.tree(sha)].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (!path.startsWith(prefix)) continue;
      const parts = path.slice(prefix.length).split('/');
      const depth = recursive ? parts.length : 1;
      for (let i = 1; i <= depth; i++) {
        const name = prefix + parts.slice(0, i).join('/');
        if (name === path) entries.set(name, entryOf(path, blob, expand));
        else if (!entries.has(name)) {
          const oid = createHash('sha1').update(`tree ${name}`).digest('hex');
          entries.set(name, { type: 'directory', oid, size: 0, path: name });
        }
      }
    }
    return [...entries.values()];
  }
}

/** A file as the tree and paths-info APIs show it. */
export function entryOf(path: string, blob: Blob, expand: boolean): Record<string, unknown> {
  return {
    type: 'file',
    oid: blob.oid,
    size: blob.size,
    ...(blob.pointerSize && { lfs: lfsOf(blob, 'oid') }),
    path,
    ...(expand && {
      lastCommit: { id: '0'.repeat(40), title: 'Upload', date: '2026-01-02T03:04:05.000Z' },
      securityFileStatus: { status: 'safe' },
    }),
  };
}

function lfsOf(blob: Blob, name: 'oid' | 'sha256'): Record<string, unknown> {
  return { [name]: blob.sha256, size: blob.size, pointerSize: blob.pointerSize };
}

async function readCard(readme: Blob | undefined): Promise<Record<string, unknown> | undefined> {
  if (readme === undefined) return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of readme.read(0, readme.size)) chunks.push(chunk);
  const front = /^---\n(.*?)\n---/s.exec(Buffer.concat(chunks).toString())?.[1];
  return front === undefined ? undefined : parse(front);
}
