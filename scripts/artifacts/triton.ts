import type { Choice, Examination, ModelReader, Refusal } from '../model/types.ts';
import { list, plain, show } from '../text/format.ts';
import { chooseGraph, examineGraphs, severalGraphs } from './onnx-layout.ts';
import { topLevelName } from './text-protobuf.ts';

/** Bytes of the longest config.pbtxt that is read. */
const longestConfig = 1024 ** 2;
const mostConfigs = 1000;
/** What a model server's image has besides models. */
const documents = /^(README\.md|LICENSE[^/]*|NOTICE[^/]*)$/;
/** What git and notebooks leave; `.gitkeep` stays, since it is what makes an otherwise empty version folder exist. */
const leftovers =
  /(^|\/)(\.gitattributes|\.gitignore|\.DS_Store|\.cache\/.*|\.ipynb_checkpoints\/.*|__pycache__\/.*)$/;
/** A graph of ONNX and what is named after it, at the top or in any folder. */
const onnxFiles = /(\.onnx|^[^/]*\.onnx\.data|^[^/]*\.onnx_data[^/]*|^config\.pbtxt)$/;

/**
 * The models of a repository of Triton, by their folders: those with a config.pbtxt, or with a model in a version folder
 * (Triton's documentation, "Model Repository").
 */
export function tritonModels(paths: readonly string[]): Set<string> {
  const shape =
    /^([^/]+)\/(?:config\.pbtxt$|[1-9]\d*\/(?:model\.(?:onnx|plan|pt|py|xml|json|graphdef|dali|savedmodel|onnx\/.+)(?:$|\/)))/;
  return new Set(paths.flatMap((path) => shape.exec(path)?.[1] ?? []));
}

/** A model repository as it is; otherwise one ONNX graph with its data and config.pbtxt. */
export function chooseTriton(paths: readonly string[]): Choice {
  const models = tritonModels(paths);
  if (models.size === 0)
    return chooseGraph(paths.filter((path) => onnxFiles.test(path) || documents.test(path)));
  const isTaken = (path: string) =>
    (models.has(path.split('/', 1)[0] ?? '') && path.includes('/') && !leftovers.test(path)) ||
    documents.test(path);
  return { take: paths.filter(isTaken), leave: [], why: '' };
}

/** Refuses several graphs without a repository's layout, and models of a repository without a version folder. */
export function refuseTriton(paths: readonly string[]): Refusal | undefined {
  const models = tritonModels(paths);
  if (models.size === 0) return severalGraphs(paths);
  for (const model of models) {
    const folders = new Set(
      paths.flatMap((path) => {
        const [name, folder, ...rest] = path.split('/');
        return name === model && folder !== undefined && rest.length > 0 ? [folder] : [];
      }),
    );
    if ([...folders].some((folder) => /^[1-9]\d*$/.test(folder))) continue;
    const others = [...folders]
      .filter((folder) => /\d/.test(folder))
      .map((folder) => plain(`${model}/${folder}`));
    const ignored = others.length === 0 ? '' : `; Triton ignores ${list(others, 'and', 4)}`;
    return {
      problem: `has no version folder with a file for the model ${plain(model)}${ignored}`,
      next: `put its files into ${plain(model)}/1/; one that needs none, such as an ensemble, gets an empty file ${plain(model)}/1/.gitkeep`,
      choices: [],
    };
  }
  return undefined;
}

/**
 * What a source for Triton says of itself. The `name` in a config.pbtxt has to be that of its folder. That of a single
 * graph names the folder; without one it is `model`.
 */
export async function examineTriton(files: ModelReader, chosen: readonly string[]): Promise<Examination> {
  const models = tritonModels(chosen);
  if (models.size === 0) {
    const config = 'config.pbtxt';
    const name = chosen.includes(config) ? await nameOf(files, config) : undefined;
    if (name !== undefined && !/^\w[\w.-]{0,62}$/.test(name))
      return wrongName(config, name, 'is no name for a folder', 'correct or remove it');
    const folder = name ?? 'model';
    const { also = [], places } = await examineGraphs(files, chosen, `${folder}/1/`);
    // Versions as OpenVINO Model Server has them, without the model's folder.
    const versions = [...chosen, ...also].filter((path) => /^[1-9]\d*\//.test(path));
    const moved = Object.fromEntries(versions.map((path) => [path, `${folder}/${path}`]));
    return {
      also,
      places: { ...places, ...moved, ...(name !== undefined && { [config]: `${name}/${config}` }) },
    };
  }
  const configs = chosen.filter((path) => /^[^/]+\/config\.pbtxt$/.test(path));
  for (const config of configs.slice(0, mostConfigs)) {
    const folder = config.split('/', 1)[0] ?? '';
    const name = await nameOf(files, config);
    if (name === undefined || name === folder) continue;
    const next = `write \`name: "${plain(folder)}"\`, remove the line, or rename the folder`;
    return wrongName(config, name, `but its folder is ${show(folder)}`, next);
  }
  const also: string[] = [];
  for (const graph of chosen.filter((path) => /^[^/]+\/[1-9]\d*\/[^/]+\.onnx$/.test(path)))
    also.push(...((await examineGraphs(files, [graph], '')).also ?? []));
  return { also };
}

function wrongName(config: string, name: string, why: string, next: string): Examination {
  return { refusal: { problem: `has ${plain(config)} with the name ${show(name)}, ${why}`, next } };
}

async function nameOf(files: ModelReader, path: string): Promise<string | undefined> {
  const size = files.size(path) ?? 0;
  if (size > longestConfig) return undefined;
  return topLevelName(Buffer.from(await files.read(path, 0, size)).toString('utf8'));
}
