/** Images that KServe cannot serve, each with one defect; made by tar(1), since `modelcars build` refuses to. */
import { chmod, chown, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pushLayers } from '../parts/bases.ts';
import { root } from '../parts/cli.ts';
import { mlserver } from '../parts/mlserver.ts';
import { part } from '../parts/parts.ts';
import { run } from '../parts/run.ts';

/** As in the image contract of docs/internals/design.md, except for the part that a test breaks. */
export interface BrokenImage {
  /** Include a busybox with the programs that KServe's commands call; true by default. */
  shell?: boolean;
  entrypoint?: string[];
  /** Path below /models → content; the sklearn sample by default. */
  files?: Record<string, Uint8Array>;
  /** 0444 by default. */
  fileMode?: number;
  /** Mode of /models. */
  folder?: { mode: number; owner: number };
}

const user = 1001;

/** Pushes such an image under a tag; needs root, for the owners. */
export async function pushBroken(
  host: string,
  repository: string,
  tag: string,
  image: BrokenImage,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'modelcars-broken-'));
  try {
    const layers = image.shell === false ? [] : [await shellLayer(folder)];
    layers.push(await modelLayer(folder, image));
    const config = {
      User: `${user}`,
      Env: ['PATH=/bin'],
      ...(image.entrypoint && { Entrypoint: image.entrypoint }),
    };
    await pushLayers(host, repository, layers, config, tag);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A sklearn model with the sample's classes under other numbers: a valid but wrong answer. */
export async function wrongModel(folder: string): Promise<string> {
  const file = join(folder, 'wrong.joblib');
  const code = [
    'import joblib, sys',
    'from sklearn.datasets import load_iris',
    'from sklearn.linear_model import LogisticRegression',
    'x, y = load_iris(return_X_y=True)',
    'joblib.dump(LogisticRegression(max_iter=500).fit(x, 2 - y), sys.argv[1])',
  ];
  await run((await mlserver()).python, ['-c', code.join('\n'), file]);
  return file;
}

/** The shipped sklearn model. */
export const sampleFile = join(root, 'frameworks/sklearn/model.joblib');

async function shellLayer(folder: string): Promise<string> {
  const tree = join(folder, 'shell');
  await mkdir(join(tree, 'bin'), { recursive: true });
  await copyFile(await part('busybox'), join(tree, 'bin/busybox'));
  await chmod(join(tree, 'bin/busybox'), 0o755);
  for (const name of ['sh', 'ln', 'ls', 'sleep', 'mkdir', 'echo', 'cat', 'test', '[']) {
    await symlink('busybox', join(tree, 'bin', name));
  }
  return await archive(tree);
}

async function modelLayer(folder: string, image: BrokenImage): Promise<string> {
  const models = join(folder, 'model', 'models');
  await mkdir(models, { recursive: true });
  const { files, fileMode = 0o444, folder: top = { mode: 0o555, owner: user } } = image;
  if (files === undefined) await copyFile(sampleFile, join(models, 'model.joblib'));
  for (const [path, content] of Object.entries(files ?? {})) {
    await mkdir(dirname(join(models, path)), { recursive: true });
    await writeFile(join(models, path), content);
  }
  await run('chown', ['-R', `${user}:0`, models]);
  await run('find', [models, '-type', 'f', '-exec', 'chmod', fileMode.toString(8), '{}', '+']);
  await run('find', [models, '-type', 'd', '-exec', 'chmod', '555', '{}', '+']);
  await chown(models, top.owner, 0);
  await chmod(models, top.mode);
  return await archive(join(folder, 'model'));
}

async function archive(tree: string): Promise<string> {
  await run('tar', ['--create', '--file', `${tree}.tar`, '--numeric-owner', '--directory', tree, '.']);
  return `${tree}.tar`;
}
