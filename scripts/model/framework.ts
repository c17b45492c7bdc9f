/** What modelcars knows about one way to serve, and what a model's files say of themselves. */
import type { SmokeTest } from './smoke.ts';

/** A model's files as they are below /models in its image, read without unpacking. */
export interface ModelReader {
  /** Sorted by byte order. */
  paths: readonly string[];
  /** Bytes; undefined for a path that does not exist. */
  size(path: string): number | undefined;
  /** At most `length` bytes from `offset`; fewer at the end of the file. */
  read(path: string, offset: number, length: number): Promise<Uint8Array>;
}

/** Which of a source's files a framework needs, when the source has the same weights in several formats. */
export interface Choice {
  take: string[];
  leave: string[];
  /** Why the others are left out: completes "left out … : ". */
  why: string;
}

/** Why paths of a source are not one model. */
export interface Refusal {
  /** Completes "SOURCE …". */
  problem: string;
  /** The step that fixes it in models.yaml. */
  next: string;
  /** For each model among them its first file; empty when they have none or one. */
  choices: string[];
}

/** What a source's files say of themselves, before they are chosen for good. */
export interface Examination {
  /** Further paths of the source that chosen files name. */
  also?: string[];
  /** Path of the source → path below /models, where it is not that of `place`. */
  places?: Record<string, string>;
  /** One line each, for the log. */
  warnings?: string[];
  /** Why they are no model of this framework. */
  refusal?: Omit<Refusal, 'choices'>;
}

/** What the files of an image say of themselves, once all are chosen and have their places. */
export interface ImageFindings {
  /** One line each, for the log. */
  warnings?: string[];
  /** Why the server could not load them. `problem` is a sentence about files, by their paths below /models. */
  refusal?: { problem: string; next: string };
}

/** What a framework needs: at least one file matches one of `anyOf`. */
export interface Requirement {
  /** Globs over the source's paths. */
  anyOf: string[];
  /** Completes "needs … : ". */
  why: string;
  /** Globs over paths below /models; by default those of `anyOf`, placed. */
  served?: string[];
  /** What meets it only when the model names it in its own `include` or `files:`, and the warning then. */
  asked?: { anyOf: string[]; warning: string };
}

/**
 * A folder of frameworks/: everything that modelcars knows about one way to serve. Default export of its framework.ts.
 */
export interface Framework {
  /** The folder's name. */
  name: string;
  /** KServe `spec.predictor.model.modelFormat`. Without one, every model gives its own in `serving:`. */
  modelFormat?: { name: string; version?: string };
  /** KServe ClusterServingRuntime that serves it. Without one, every model gives its own in `serving:`. */
  runtime?: string;
  /**
   * KServe `protocolVersion`. `openai` is for the smoke test; the InferenceService then omits it, since KServe has only
   * `v1`, `v2` and their gRPC forms (pkg/constants/constants.go) and rejects values that a runtime does not list.
   */
  protocolVersion?: 'v1' | 'v2' | 'openai';
  /** Arguments of the model server, after those of its runtime and before the model's; not for another runtime. */
  args?: string[];
  /** Globs (picomatch) over the source's paths that go into the image when the model names none. */
  include: string[];
  exclude: string[];
  /** Chooses among the paths that `include` and `exclude` let through, when the model names no `include`. */
  choose?(paths: string[]): Choice;
  /** Refuses chosen paths that are no single model of this framework, before a file is read. */
  refuse?(paths: readonly string[]): Refusal | undefined;
  /**
   * Reads what chosen files say: which others belong to them, and where. `files` are all of the source; nothing is run.
   */
  examine?(files: ModelReader, chosen: readonly string[]): Promise<Examination>;
  /**
   * Reads what the files of the image say, with those of `files:`, under the names that the server sees. `name` is the
   * model's. Nothing is run.
   */
  examineImage?(files: ModelReader, name: string): Promise<ImageFindings>;
  /**
   * Globs over paths that are left out without a word, because nothing is lost. With them, `lock` names every other file
   * that it leaves out.
   */
  unmentioned?: string[];
  requires: Requirement[];
  /** Path of a source's file below /models; identity when absent. */
  place?(path: string): string;
  /**
   * The name under which the server serves the image with these paths, where that is not the InferenceService's; undefined
   * when it serves several.
   */
  servedName?(paths: readonly string[]): string | undefined;
  /** A request with a known correct prediction: of its sample alone, or of every model of the framework. */
  smoke?: SmokeTest;
  /**
   * A request made from what a model's files say of themselves, for a model without a request of its own; undefined when
   * they do not say enough. Never runs or unpickles anything. Accepts any answer of the right shape.
   */
  smokeFrom?(files: ModelReader): Promise<SmokeTest | undefined>;
  /** Versions of the libraries that wrote a model, by their names on PyPI, as far as its files name them. */
  libraries?(files: ModelReader): Promise<Record<string, string>>;
  /** Imports of its pickles that are safe, `module.Name`, in addition to the built-in lists. */
  allowedImports?: string[];
  /** The libraries of the runtime's image: a model made with others is a warning when it is locked. */
  runtimeLibraries?: RuntimeLibraries;
}

/** What a runtime's image has of the libraries that models are made with. */
export interface RuntimeLibraries {
  /** Reference of the image, for display. */
  image: string;
  /** By the names that `Framework.libraries` returns; `*` for one that takes any version. */
  versions: Record<string, string>;
}
