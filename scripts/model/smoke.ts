/** Smoke tests as frameworks and models.yaml give them: a request, and the response that proves the model. */

/** The expected tensor in an Open Inference Protocol (v2) response. */
export interface TensorExpectation {
  /** Name of the output tensor in a v2 response; the first when absent. */
  output?: string;
  /** The true class of each row of the request, from the data set. */
  classes: number[];
  /**
   * `labels`: the output is the class itself; `scores`: the output is a row of scores, and the largest is the class's.
   */
  read: 'labels' | 'scores';
}

/** The expected OpenAI completion: any text, since it differs from model to model. */
export interface CompletionExpectation {
  read: 'completion';
  /** The request's `max_tokens`, which the response must not exceed. */
  maxTokens: number;
}

/** Expected outputs of an Open Inference Protocol (v2) response. */
export interface OutputsExpectation {
  read: 'outputs';
  /** Rows of the request: the first dimension of every output; absent when outputs need not have a row for each. */
  rows?: number;
  /** The outputs to check; others are allowed. Empty: at least one valid output, whatever it is called. */
  outputs: ExpectedOutput[];
}

/** One output of a v2 response. */
export interface ExpectedOutput {
  /** Absent: the only output, or the first. */
  name?: string;
  /** `FP32`, `BYTES` …, as in the protocol. */
  datatype?: string;
  /** Null for a dimension of any size. */
  shape?: (number | null)[];
  /** Flat, in row-major order. */
  data?: (number | string | boolean)[];
  /** Largest absolute difference of a number; 1e-4 of its value, but at least 1e-6, when absent. */
  tolerance?: number;
}

/** Expected `predictions` of KServe's v1 protocol. */
export interface PredictionsExpectation {
  read: 'predictions';
  /** Number of predictions: one per instance. */
  rows?: number;
  /** Absent: any. */
  predictions?: unknown[];
  tolerance?: number;
}

/** Expected text of an OpenAI completion or chat completion. */
export interface TextExpectation {
  read: 'text';
  /** A regular expression that the text has to match; absent: any text with a letter or digit. */
  pattern?: string;
  /** The request's `max_tokens`, which the response must not exceed. */
  maxTokens?: number;
}

/** Expected OpenAI embeddings. */
export interface EmbeddingsExpectation {
  read: 'embeddings';
  /** Number of inputs. */
  count: number;
  /** Numbers of each embedding; absent: any, the same for all. */
  size?: number;
}

/** The expected response to the smoke request. */
export type SmokeExpectation =
  | TensorExpectation
  | CompletionExpectation
  | OutputsExpectation
  | PredictionsExpectation
  | TextExpectation
  | EmbeddingsExpectation;

/** A request with a known correct prediction. */
export interface SmokeTest<Expectation extends SmokeExpectation = SmokeExpectation> {
  /**
   * Path with `{name}` for the model's name: `/v2/models/{name}/infer`. Several when runtimes of one framework differ:
   * the first one that does not return 404 counts.
   */
  path: string | string[];
  /** JSON; a string that is exactly `{name}` becomes the model's name here too. */
  body: unknown;
  expect: Expectation;
  /** What the request was made from, for display: "its chat template". Absent for one that a person wrote. */
  from?: string;
  /** The only model that it is for: path in the image → SHA-256. Absent: it is for every model of its framework. */
  sample?: Record<string, string>;
}

/** A request that is sent. */
export interface SentTest extends SmokeTest {
  /** Receives each answer that passes, as JSON: hostile. */
  accepted?(answer: unknown): void;
}

/** `smoke:` of a model in models.yaml, checked: exactly one request, and what its answer has to be. */
export interface ModelSmoke {
  /** Protocol v2: the inputs, or a JSON, CSV or .npy file beside models.yaml. */
  inputs?: string | ModelInput[];
  /** Protocol v2, short: one input of rows of numbers. */
  rows?: number[][];
  /** Protocol v2, short: one input per column, as a pandas DataFrame. */
  columns?: Record<string, (number | string | boolean)[]>;
  /** Protocol v1: the instances, or a JSON file beside models.yaml. */
  instances?: string | unknown[];
  /** OpenAI completion. */
  prompt?: string;
  /** OpenAI chat completion. */
  messages?: { role: string; content: string }[];
  /** OpenAI embeddings: one text or several. */
  input?: string | string[];
  /** Additional fields of the request: `parameters` of protocol v2, fields of the body otherwise. */
  parameters?: Record<string, unknown>;
  /** Path instead of the protocol's; `{name}` becomes the model's name. */
  path?: string;
  /** Absent: an answer with a row for each of the request's; `any`: any valid answer. */
  expect?: 'any' | ModelExpectation;
}

/** One input of a v2 request. */
export interface ModelInput {
  name: string;
  /** By default FP64 for numbers, BYTES for texts, BOOL for booleans. */
  datatype?: string;
  /** By default that of nested data, or `[n]`. */
  shape?: number[];
  /** Nested or flat, in row-major order. */
  data: unknown[];
  /** Such as `content_type`. */
  parameters?: Record<string, unknown>;
}

/** `expect:` of a model's `smoke:`. */
export interface ModelExpectation {
  /** Protocol v2: the class of each row, as the output has it. */
  classes?: number[];
  /** Protocol v2: the class of each row, as the largest of its scores. */
  scores?: number[];
  /** The output with `classes` or `scores`; by default the first. */
  output?: string;
  /** Protocol v2: expected outputs. */
  outputs?: ExpectedOutput[];
  /** Protocol v1. */
  predictions?: unknown[];
  /** Generated text: a regular expression. */
  matches?: string;
  /** Numbers of an embedding. */
  size?: number;
  /** Largest absolute difference of numbers. */
  tolerance?: number;
}
