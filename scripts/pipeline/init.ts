import { lstat, readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { parseCatalog, readCatalogText } from '../catalog/load.ts';
import { newCatalogText } from '../catalog/new-catalog.ts';
import { writeTextFile } from '../catalog/write-text.ts';
import { ModelcarsError } from '../errors.ts';
import { makeFolder } from '../files/folder.ts';
import { packageFile } from '../package.ts';
import { displayPath } from '../text/paths.ts';

/** CI systems, with the ready file of the package and the path where the system looks for it. */
export const ciFiles = {
  github: { from: 'ci/github/node.yml', to: '.github/workflows/models.yml' },
  gitlab: { from: 'ci/gitlab/node.yml', to: '.gitlab-ci.yml' },
  jenkins: { from: 'ci/jenkins/node.Jenkinsfile', to: 'Jenkinsfile' },
  tekton: { from: 'ci/tekton/node.yaml', to: 'tekton.yaml' },
  codebuild: { from: 'ci/codebuild/node.yml', to: 'buildspec.yml' },
  kubernetes: { from: 'ci/kubernetes/job.yaml', to: 'job.yaml' },
} as const;

export type CiSystem = keyof typeof ciFiles;

export interface InitOptions {
  /** Path of models.yaml; the other files are beside it. */
  file: string;
  registry?: string;
  base?: string;
  ci?: CiSystem;
  dryRun: boolean;
}

/** What `init` did with a file; with `dryRun`, what it would do. */
export interface InitFile {
  /** As a user would write it. */
  path: string;
  status: 'created' | 'changed' | 'kept';
  /** Lines added to a changed file. */
  added?: string[];
}

export interface Initialized {
  files: InitFile[];
  /** Models that models.yaml lists. */
  models: number;
}

const schemaName = 'models.schema.json';
const ignored = ['out/', 'node_modules/'];

/**
 * Writes models.yaml, its JSON schema, .gitignore and the file of a CI system, each unless it exists: an existing file is
 * kept, except that .gitignore gets the lines that it lacks. Fails with code `usage` for an invalid registry or base, and
 * `catalog` when the existing models.yaml is invalid.
 */
export async function initFolder(options: InitOptions): Promise<Initialized> {
  const { registry, base, dryRun } = options;
  const file = resolve(options.file);
  const folder = dirname(file);
  const settings = { ...(registry !== undefined && { registry }), ...(base !== undefined && { base }) };
  const existing = await readCatalogText(file);
  const installed = `node_modules/modelcars/${schemaName}`;
  const schema = (await exists(join(folder, installed))) ? `./${installed}` : `./${schemaName}`;
  const text = newCatalogText({ schema, ...settings });
  // Checks the two settings too, before anything is written.
  const { models } = await parseCatalog(file, existing ?? text, settings);
  const wanted: [path: string, text: () => Promise<string>][] = [[file, async () => text]];
  if (existing === undefined && schema === `./${schemaName}`)
    wanted.push([join(folder, schemaName), () => readPackaged(schemaName)]);
  if (options.ci !== undefined) {
    const { from, to } = ciFiles[options.ci];
    wanted.push([join(folder, to), () => readPackaged(from)]);
  }
  const files: InitFile[] = [];
  for (const [path, content] of wanted) {
    const isNew = !(await exists(path));
    if (isNew && !dryRun) await write(path, await content());
    files.push({ path: displayPath(path), status: isNew ? 'created' : 'kept' });
  }
  files.splice(1, 0, await ignore(join(folder, '.gitignore'), dryRun));
  return { files, models: models.length };
}

/** Adds the lines that .gitignore lacks. */
async function ignore(path: string, dryRun: boolean): Promise<InitFile> {
  const before = (await exists(path)) ? await readFile(path, 'utf8') : undefined;
  const lines = new Set(before?.split(/\r?\n/).map((line) => line.trim().replaceAll(/^\/|\/$/g, '')));
  const added = ignored.filter((line) => !lines.has(line.replace(/\/$/, '')));
  if (added.length === 0) return { path: displayPath(path), status: 'kept' };
  const eol = before?.includes('\r\n') ? '\r\n' : '\n';
  const gap = before === undefined || before === '' || before.endsWith('\n') ? '' : eol;
  if (!dryRun) await write(path, (before ?? '') + gap + added.map((line) => line + eol).join(''));
  return { path: displayPath(path), status: before === undefined ? 'created' : 'changed', added };
}

async function write(path: string, text: string): Promise<void> {
  try {
    makeFolder(dirname(path));
  } catch (cause) {
    const folder = displayPath(dirname(path));
    throw new ModelcarsError('disk', `create folder ${folder}: ${(cause as Error).message}`, {
      next: 'check its permissions, and that no file has its name',
      cause,
    });
  }
  await writeTextFile(path, text);
}

/** Whether anything has this path, even a link to nothing. */
async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

async function readPackaged(path: string): Promise<string> {
  const file = packageFile(path);
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new ModelcarsError('disk', `read ${relative(packageFile('.'), file)} of modelcars: it is missing`, {
      next: 'install modelcars again',
      cause,
    });
  }
}
