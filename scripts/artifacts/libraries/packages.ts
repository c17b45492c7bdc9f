/** The version of a library that a pickle imports without saying which. */
export const anyVersion = '*';

/** Names on PyPI of packages that are imported under another name. */
const packages: Readonly<Record<string, string>> = {
  sklearn: 'scikit-learn',
  imblearn: 'imbalanced-learn',
  category_encoders: 'category-encoders',
  feature_engine: 'feature-engine',
  sentence_transformers: 'sentence-transformers',
  sksurv: 'scikit-survival',
  skopt: 'scikit-optimize',
  cv2: 'opencv-python',
  PIL: 'pillow',
  dateutil: 'python-dateutil',
};
/** Modules of Python's own library that pickles name; of the others, none is a package on PyPI. */
const standard = new Set(
  'abc argparse array ast asyncio base64 binascii bisect builtins calendar codecs collections contextlib copy copy_reg copyreg csv ctypes dataclasses datetime decimal difflib enum exceptions fractions functools gc glob hashlib heapq importlib inspect io ipaddress itertools json locale logging math multiprocessing nt numbers operator os pathlib pickle platform posix posixpath pprint queue random re shutil signal socket string struct subprocess sys tempfile textwrap threading time timeit traceback types typing unicodedata uuid warnings weakref zoneinfo'.split(
    ' ',
  ),
);

/**
 * The package on PyPI that a module belongs to; undefined for Python's own modules, for joblib's, which every server
 * with scikit-learn has, and for extension modules (`_loss`). `__main__`, the script that trained a model, is its own.
 */
export function packageOf(module: string): string | undefined {
  const [top = ''] = module.split('.');
  if (top === '__main__') return top;
  if (!/^[A-Za-z]\w{0,63}$/.test(top) || top === 'joblib' || standard.has(top)) return undefined;
  return Object.hasOwn(packages, top) ? packages[top] : top;
}
