import type { KnownCause } from './cause.ts';

/**
 * The request does not fit the model. Texts: scikit-learn's validation (utils/validation.py, compose/_column_transformer.py,
 * preprocessing/_encoders.py), XGBoost's Booster (core.py), LightGBM's C API, ONNX Runtime, OpenVINO (infer_request.cpp)
 * and its server (status.cpp), Triton (infer_request.cc), MLflow (models/utils.py, `_enforce_schema`).
 */
const misfits = [
  /X has \d+ features?, but \w+ is expecting \d+/,
  /columns are missing: |A given column is not a column of the dataframe|Specifying the columns using strings is only supported for/,
  /feature names (should match|unseen|seen at fit)|feature_names mismatch|training data did not have the following fields/i,
  /Found unknown categories/,
  /Failed to enforce schema of data|Model is missing inputs/,
  /Feature shape mismatch, expected: \d+, got \d+|feature types must have the same length/i,
  /number of features in data \(\d+\) is not the same as it was in training data/,
  /'(numpy\.)?(ndarray|float|int)\w*' object has no attribute '(lower|decode|split|strip)'/,
  /Expected (1D|2D) array, got/,
  /Got invalid dimensions for input|Invalid rank for input|Unexpected input data type|Required inputs \(.*\) are missing|Invalid (Feed )?Input Name/i,
  /model input \(shape=.*tensor \(shape=.*incompatible|Port for tensor name .* was not found/,
  /Invalid input (shape|precision|batch size)|Invalid number of (inputs|shape dimensions)|Missing input with specific name|Unexpected input\b/i,
  /unexpected shape for input|unexpected inference input|expected \d+ inputs but got \d+|data-type is '\w+', but model .* expects/,
];

/** More rows than Triton takes. The text: Triton's core, infer_request.cc. */
const batchCause: KnownCause = {
  stages: ['answer'],
  sign: /inference request batch-size must be <= \d+/,
  cause:
    'the request has more rows than Triton takes at once: `max_batch_size` of config.pbtxt, or 4 where it is not set',
  fix: 'send fewer rows in `smoke:` of models.yaml, or set a larger `max_batch_size` in config.pbtxt',
};

/** The cause of an answer that refuses the request for its columns, names or types. */
export const requestCause: KnownCause = {
  stages: ['answer'],
  sign: new RegExp(misfits.map(({ source }) => source).join('|'), 'i'),
  cause:
    'the request does not fit the model, which wants other columns, names or types than the smoke test sends',
  fix: 'give the model a request of its own: `smoke:` in models.yaml',
};

/** The causes of an answer that refuses the request. */
export const requestCauses: readonly KnownCause[] = [batchCause, requestCause];

/**
 * The model needs other libraries than the server has. Before "damaged file": a library that is too old often says that
 * it cannot read what follows. Texts: numpy's random/_pickle.py, CPython's pickle and importlib, scikit-learn's
 * InconsistentVersionWarning and _tree.pyx, XGBoost's c_api.cc, ONNX Runtime's model.cc.
 */
export const libraryCauses: KnownCause[] = [
  {
    // KServe's huggingfaceserver/task.py, `infer_task_from_model_architecture`.
    stages: ['load', 'ready'],
    sign: /Task couldn't be inferred from/,
    cause: "config.json names a class whose task KServe's Hugging Face server does not know",
    fix: 'name the task: `serving: {args: [--task=text_embedding]}` for embeddings',
  },
  {
    stages: ['load', 'ready', 'answer'],
    sign: /Can't get attribute '[^']*' on <module '(__main__|__mp_main__|mlserver[^']*|main)'/,
    cause:
      'the model contains a class or function of the script that trained it, which the model server does not have',
    fix: "build it of its libraries' own classes alone (a lambda or a class of a notebook cannot be loaded elsewhere), and dump it again",
  },
  {
    stages: ['load', 'ready', 'answer'],
    sign: /binary format has been deprecated.*removed|is not a known (NumPy )?BitGenerator|No module named|ModuleNotFoundError|Can't get attribute|InconsistentVersion|dtype size changed|node array from the pickle|Unsupported model IR version|Opset \d+ is under development|is not a registered function\/op|No Op registered for|XGBoost version.*(newer|older)|Unknown model format or submodel type/is,
    cause:
      'the model was made with other versions of its libraries than the model server has, or needs one that is not there',
    fix: "`libraries:` of the lock says what made it: make it with the server's versions (frameworks/*/requirements.txt), or take another runtime: `runtime` in `serving:`",
  },
];
