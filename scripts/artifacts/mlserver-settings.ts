import type { ImageFindings, ModelReader } from '../model/types.ts';
import { plain, show } from '../text/format.ts';
import { compareBytes } from '../text/paths.ts';
import { nearest } from '../text/suggest.ts';
import { type Fields, fieldsOf, parsedOf, wordOf } from './mlflow/values.ts';

/** Bytes of the longest model-settings.json that is read. */
const longestSettings = 1024 ** 2;
/** Settings of one image that are read: MLServer loads a model for each. */
const mostSettings = 100;
/** Where KServe mounts the image, as an absolute `uri` names it. */
const mount = '/mnt/models/';

/** One of MLServer's inference runtimes. */
export interface MlserverRuntime {
  /** `implementation` in model-settings.json. */
  implementation: string;
  /** The files that it looks for in a folder, the first that exists (WELLKNOWN_MODEL_FILENAMES in its source). */
  names: readonly string[];
}

/** The runtimes of modelcars' frameworks, all in MLServer's image. */
export const mlserverRuntimes = {
  catboost: { implementation: 'mlserver_catboost.CatboostModel', names: ['model.cbm', 'model.bin'] },
  lightgbm: { implementation: 'mlserver_lightgbm.LightGBMModel', names: ['model.bst'] },
  mlflow: { implementation: 'mlserver_mlflow.MLflowRuntime', names: ['MLmodel'] },
  sklearn: {
    implementation: 'mlserver_sklearn.SKLearnModel',
    names: ['model.joblib', 'model.pickle', 'model.pkl'],
  },
  xgboost: {
    implementation: 'mlserver_xgboost.XGBoostModel',
    names: ['model.bst', 'model.json', 'model.ubj'],
  },
} satisfies Record<string, MlserverRuntime>;

/**
 * Whether MLServer can follow an image's own model-settings.json: it takes `implementation`, `name` and `parameters.uri`
 * from there before KServe's (mlserver/settings.py, repository/load.py and utils.py, `get_model_uri`), so that a wrong one
 * fails only when it starts. Refused: what is no JSON object, another framework's implementation, and a file or folder that
 * the image does not have. A warning: a name that is not the model's, code of one's own, and what is outside the image.
 */
export async function examineSettings(
  files: ModelReader,
  model: { name: string; framework: keyof typeof mlserverRuntimes },
): Promise<ImageFindings> {
  const paths = files.paths.filter((path) => /(^|\/)model-settings\.json$/.test(path)).slice(0, mostSettings);
  const warnings: string[] = [];
  for (const path of paths) {
    const settings = await settingsOf(files, path);
    if (settings === undefined) {
      return {
        refusal: {
          problem: `${plain(path)} is no JSON object`,
          next: 'correct it, or leave it out with `exclude`',
        },
      };
    }
    const { implementation, name, parameters } = settings;
    const refusal =
      implementationRefusal(path, implementation, model.framework) ??
      fileRefusal(
        files,
        path,
        fieldOf(parameters, 'uri'),
        'parameters.uri',
        mlserverRuntimes[model.framework].names,
      ) ??
      fileRefusal(files, path, fieldOf(parameters, 'environment_tarball'), 'parameters.environment_tarball');
    if (refusal !== undefined) return { refusal };
    warnings.push(...ownCode(path, implementation), ...outside(path, parameters));
    if (typeof name === 'string' && name !== '' && name !== model.name && paths.length === 1)
      warnings.push(
        `${plain(path)} has the name ${show(name)}: KServe finds the model ready only under its InferenceService's name, by default ${model.name}; leave \`name\` out`,
      );
  }
  return { warnings };
}

async function settingsOf(files: ModelReader, path: string): Promise<Fields | undefined> {
  const size = files.size(path) ?? 0;
  if (size > longestSettings) return undefined;
  const value = parsedOf(new TextDecoder().decode(await files.read(path, 0, size)));
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? fieldsOf(value) : undefined;
}

/** The framework whose runtime an implementation is; undefined for others. */
function frameworkOf(implementation: unknown): string | undefined {
  const [module = ''] = typeof implementation === 'string' ? implementation.split('.') : [];
  return Object.entries(mlserverRuntimes).find(([, one]) => one.implementation.startsWith(`${module}.`))?.[0];
}

function implementationRefusal(
  path: string,
  implementation: unknown,
  framework: keyof typeof mlserverRuntimes,
): ImageFindings['refusal'] {
  const other = frameworkOf(implementation);
  if (other === undefined || other === framework) return undefined;
  return {
    problem: `${plain(path)} has the implementation ${show(implementation)}, which serves framework ${other}, not ${framework}`,
    next: `remove \`implementation\`, write ${show(mlserverRuntimes[framework].implementation)}, or take \`framework: ${other}\``,
  };
}

function ownCode(path: string, implementation: unknown): string[] {
  if (
    typeof implementation !== 'string' ||
    implementation === '' ||
    frameworkOf(implementation) !== undefined
  )
    return [];
  return [
    `${plain(path)} has the implementation ${show(implementation)}: MLServer imports it from its own image or from *.py files beside the settings, which only \`include\` or \`files:\` adds, and runs that code`,
  ];
}

/**
 * Why a path in the settings leads nowhere: no file of the image, and no folder of it that has one of `names`. A relative
 * path starts at the settings' folder.
 */
function fileRefusal(
  files: ModelReader,
  settings: string,
  uri: string | undefined,
  field: string,
  names?: readonly string[],
): ImageFindings['refusal'] {
  if (uri === undefined || isOutside(uri)) return undefined;
  const path = pathOf(settings, uri);
  if (path !== undefined && files.size(path) !== undefined) return undefined;
  const prefix = path === '' ? '' : `${path}/`;
  const inside = path === undefined ? [] : files.paths.filter((one) => one.startsWith(prefix));
  if (names === undefined ? false : inside.some((one) => names.includes(one.slice(prefix.length))))
    return undefined;
  const found = closest(files, path ?? uri, names);
  const folder = settings.slice(0, settings.lastIndexOf('/') + 1);
  const near = found?.startsWith(folder) ? `./${found.slice(folder.length)}` : found && mount + found;
  const problem =
    path === undefined
      ? 'which is outside the image'
      : inside.length > 0 && names !== undefined
        ? `a folder without ${names.join(', ')}`
        : 'which the image does not have';
  const wellKnown = names?.some((name) => files.paths.includes(folder + name)) ?? false;
  return {
    problem: `${plain(settings)} names ${show(uri)} as \`${field}\`, ${problem}${near === undefined ? '' : `; did you mean \`${plain(near)}\`?`}`,
    next: wellKnown
      ? `correct \`${field}\`, or remove it: MLServer finds the model by its name in the image`
      : `correct \`${field}\`, or add the file with \`include\` or \`files:\``,
  };
}

/** The path of the image that is most likely meant. */
function closest(files: ModelReader, path: string, names: readonly string[] = []): string | undefined {
  const others = files.paths.filter(
    (one) => !/(^|\/)(model-settings\.json|README\.md|LICENSE|NOTICE)/.test(one),
  );
  const base = (one: string) => one.slice(one.lastIndexOf('/') + 1);
  const extension = /\.\w+$/.exec(path)?.[0];
  return (
    nearest(path, others) ??
    others.toSorted(compareBytes).find((one) => base(one) === base(path)) ??
    (extension && others.find((one) => one.endsWith(extension))) ??
    others.find((one) => names.includes(base(one)))
  );
}

function outside(path: string, parameters: unknown): string[] {
  const uri = fieldOf(parameters, 'uri');
  if (uri === undefined || !isOutside(uri)) return [];
  return [
    `${plain(path)} names ${show(uri)} as \`parameters.uri\`: MLServer then reads the model from there, not from the image`,
  ];
}

function fieldOf(parameters: unknown, field: string): string | undefined {
  return wordOf(fieldsOf(parameters)[field]);
}

/** Whether it names something that is no file below KServe's mount. */
function isOutside(uri: string): boolean {
  if (/^[a-z][a-z0-9+.-]*:/i.test(uri) && !uri.startsWith('file:')) return true;
  const path = plainPath(uri);
  return path.startsWith('/') && !`${path}/`.startsWith(mount);
}

/** A path in the settings as one below /models; undefined where it leads out. The empty one is /models itself. */
export function pathOf(settings: string, uri: string): string | undefined {
  const path = plainPath(uri);
  const absolute = `${path}/`.startsWith(mount) ? path.slice(mount.length) : undefined;
  const folder = settings.slice(0, settings.lastIndexOf('/') + 1);
  const parts: string[] = [];
  for (const part of (absolute ?? folder + path).split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join('/');
}

/** MLServer takes the path of a `file:` URI. */
function plainPath(uri: string): string {
  return uri.replace(/^file:(\/\/)?/, '');
}
