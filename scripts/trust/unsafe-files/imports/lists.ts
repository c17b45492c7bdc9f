/** Imports that a library's pickles make, and that cannot be led to run anything else. */
export interface ImportList {
  /** Module → names. */
  exact: Readonly<Record<string, readonly string[]>>;
  /** Modules and names by regular expressions, for classes of which every release has more. */
  families?: readonly { module: RegExp; name: RegExp; but?: RegExp }[];
}

const words = (text: string): string[] => text.trim().split(/\s+/);

/**
 * Python's own. Not here because they reach any code: `builtins.getattr`, `eval`, `exec`, `type`, `functools.partial`,
 * `operator.attrgetter` and `methodcaller`, everything that opens files or starts programs.
 */
const plain = words(
  'bool bytearray bytes complex dict float frozenset int list object range set slice str tuple',
);
export const python: ImportList = {
  exact: {
    builtins: plain,
    __builtin__: [...plain, 'unicode', 'long'],
    copyreg: ['_reconstructor'],
    copy_reg: ['_reconstructor'],
    _codecs: ['encode'],
    collections: ['OrderedDict', 'defaultdict', 'Counter', 'deque'],
    datetime: ['date', 'datetime', 'time', 'timedelta', 'timezone'],
    decimal: ['Decimal'],
    fractions: ['Fraction'],
    uuid: ['UUID'],
    array: ['array', '_array_reconstructor'],
  },
};

const scalars = words(`
  bool bool_ byte bytes_ cdouble cfloat clongdouble complex128 complex256 complex64 csingle datetime64 double float128
  float16 float32 float64 half int16 int32 int64 int8 int_ intc intp long longdouble longlong number object_ short single
  str_ timedelta64 ubyte uint uint16 uint32 uint64 uint8 uintc uintp ulong ulonglong unicode_ ushort void`);
const functions = words(`
  abs absolute add cbrt ceil clip divide exp exp2 expm1 floor log log10 log1p log2 maximum mean median minimum multiply
  negative power reciprocal rint round sign sqrt square subtract sum std var`);
const multiarray = ['_reconstruct', 'scalar', '_frombuffer'];

/**
 * numpy. Its `_ufunc_reconstruct` imports what its arguments name: the walker takes them for an import of their own. Not
 * here: `numpy.load`, `numpy.testing`, `numpy.f2py`, `numpy.distutils`.
 */
export const numpy: ImportList = {
  exact: {
    numpy: ['ndarray', 'dtype', 'matrix', ...scalars, ...functions],
    'numpy.core.multiarray': multiarray,
    'numpy._core.multiarray': multiarray,
    'numpy.core.numeric': ['_frombuffer'],
    'numpy._core.numeric': ['_frombuffer'],
    'numpy.core': ['_ufunc_reconstruct'],
    'numpy._core': ['_ufunc_reconstruct'],
    'numpy.core._multiarray_umath': functions,
    'numpy._core._multiarray_umath': functions,
    'numpy.ma.core': ['MaskedArray', '_mareconstruct'],
    'numpy.random._pickle': ['__randomstate_ctor', '__generator_ctor', '__bit_generator_ctor'],
    'numpy.random.mtrand': ['RandomState'],
    'numpy.random._generator': ['Generator'],
    'numpy.random.bit_generator': ['SeedSequence', '__pyx_unpickle_SeedSequence'],
    'numpy.random._mt19937': ['MT19937'],
    'numpy.random._pcg64': ['PCG64', 'PCG64DXSM'],
  },
  families: [{ module: /^numpy\.dtypes$/, name: /^[A-Z]\w*DType$/ }],
};

export const joblib: ImportList = {
  exact: {
    'joblib.numpy_pickle': ['NumpyArrayWrapper'],
    'sklearn.externals.joblib.numpy_pickle': ['NumpyArrayWrapper'],
  },
};

/** Not here: `scipy.stats`, whose distributions run a text of their state when they are unpickled. */
export const scipy: ImportList = {
  exact: {
    'scipy.interpolate._interpolate': ['interp1d', 'PPoly', 'BPoly'],
    'scipy.interpolate.interpolate': ['interp1d'],
    'scipy.interpolate._bsplines': ['BSpline'],
    'scipy.interpolate._cubic': ['CubicSpline', 'PchipInterpolator'],
  },
  families: [
    {
      module: /^scipy\.sparse\.(_?(bsr|coo|csc|csr|dia|dok|lil))$/,
      name: /^(bsr|coo|csc|csr|dia|dok|lil)_(array|matrix)$/,
    },
  ],
};

export const pandas: ImportList = {
  exact: {
    'pandas.core.frame': ['DataFrame'],
    'pandas.core.series': ['Series'],
    'pandas.core.indexes.base': ['Index', '_new_Index'],
    'pandas.core.indexes.range': ['RangeIndex'],
    'pandas.core.indexes.multi': ['MultiIndex'],
    'pandas.core.indexes.category': ['CategoricalIndex'],
    'pandas.core.indexes.numeric': ['Int64Index', 'UInt64Index', 'Float64Index'],
    'pandas.core.indexes.datetimes': ['DatetimeIndex', '_new_DatetimeIndex'],
    'pandas.core.internals.managers': ['BlockManager', 'SingleBlockManager'],
    'pandas.core.internals.blocks': ['new_block'],
    'pandas._libs.internals': ['_unpickle_block', 'BlockManager'],
    'pandas._libs.arrays': ['__pyx_unpickle_NDArrayBacked'],
    'pandas.core.arrays.categorical': ['Categorical'],
    'pandas.core.arrays.string_': ['StringArray', 'StringDtype'],
    'pandas.core.dtypes.dtypes': ['CategoricalDtype', 'DatetimeTZDtype'],
    'pandas._libs.tslibs.timestamps': ['_unpickle_timestamp', 'Timestamp'],
    'pandas._libs.tslibs.timedeltas': ['_timedelta_unpickle', 'Timedelta'],
  },
};

const sklearnPackages = words(`
  _loss base calibration cluster compose covariance cross_decomposition decomposition discriminant_analysis dummy ensemble
  feature_extraction feature_selection frozen gaussian_process impute isotonic kernel_approximation kernel_ridge
  linear_model manifold mixture model_selection multiclass multioutput naive_bayes neighbors neural_network pipeline
  preprocessing random_projection semi_supervised svm tree`).join('|');
const metrics = words(`
  accuracy_score average_precision_score balanced_accuracy_score brier_score_loss cohen_kappa_score explained_variance_score
  f1_score fbeta_score hamming_loss hinge_loss jaccard_score log_loss matthews_corrcoef max_error mean_absolute_error
  mean_absolute_percentage_error mean_gamma_deviance mean_pinball_loss mean_poisson_deviance mean_squared_error
  mean_squared_log_error median_absolute_error precision_score r2_score recall_score roc_auc_score root_mean_squared_error
  top_k_accuracy_score zero_one_loss d2_absolute_error_score d2_pinball_score`);
/** Classes that these modules themselves import from elsewhere, and that do more than hold values. */
const foreign =
  /^(ABC|ABCMeta|Memory|MemorizedFunc|MemorizedResult|NamedTuple|Parallel|Path|PurePath|StringIO|BytesIO|Thread|Lock)$/;

/** scikit-learn: classes of its estimators, never a function but those that pickles of them name. */
export const sklearn: ImportList = {
  exact: {
    'sklearn.utils': ['Bunch'],
    'sklearn.utils._bunch': ['Bunch'],
    'sklearn.utils._tags': ['Tags'],
    'sklearn.metrics._dist_metrics': ['newObj'],
    'sklearn.neighbors._kd_tree': ['newObj'],
    'sklearn.neighbors._ball_tree': ['newObj'],
    'sklearn.preprocessing._function_transformer': ['_identity'],
    'sklearn.compose._column_transformer': ['make_column_selector'],
    'sklearn.feature_selection._univariate_selection': words(
      'chi2 f_classif f_oneway f_regression r_regression',
    ),
    'sklearn.feature_selection._mutual_info': ['mutual_info_classif', 'mutual_info_regression'],
    'sklearn.metrics._classification': metrics,
    'sklearn.metrics._ranking': metrics,
    'sklearn.metrics._regression': metrics,
    'sklearn.metrics._scorer': words(
      '_PassthroughScorer _PredictScorer _ProbaScorer _Scorer _ThresholdScorer',
    ),
    'sklearn.metrics.pairwise': words('cosine_similarity linear_kernel polynomial_kernel rbf_kernel'),
  },
  families: [
    { module: new RegExp(`^sklearn\\.(${sklearnPackages})(\\.\\w+)*$`), name: /^_?[A-Z]\w*$/, but: foreign },
    { module: /^sklearn\.metrics\._dist_metrics$/, name: /^[A-Z]\w*Distance(32|64)?$/ },
    // Cython's own makers: each builds one class of the module, checked by a number.
    {
      module: new RegExp(`^(_loss|sklearn\\.(${sklearnPackages})(\\.\\w+)*)$`),
      name: /^__pyx_unpickle_\w+$/,
    },
    { module: /^_loss$/, name: /^Cy\w+Loss$/ },
  ],
};

export const boosters: ImportList = {
  exact: {
    'xgboost.core': ['Booster'],
    'lightgbm.basic': ['Booster'],
    'catboost.core': ['CatBoost', 'CatBoostClassifier', 'CatBoostRegressor', 'CatBoostRanker'],
  },
  families: [
    { module: /^xgboost\.sklearn$/, name: /^XGB(RF)?(Model|Classifier|Regressor|Ranker)$/ },
    { module: /^lightgbm\.sklearn$/, name: /^LGBM(Model|Classifier|Regressor|Ranker)$/ },
    { module: /^lightgbm\.sklearn$/, name: /^_LGBM(LabelEncoder)$/ },
  ],
};

const rebuild = words(`
  _rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_parameter _rebuild_parameter_with_state _rebuild_qtensor
  _rebuild_sparse_tensor _rebuild_meta_tensor_no_storage _rebuild_nested_tensor _rebuild_device_tensor_from_numpy
  _rebuild_device_tensor_from_cpu_tensor`);
const torchTypes = words(`
  Size Tensor device float16 float32 float64 bfloat16 half float double int8 int16 int32 int64 uint8 uint16 uint32 uint64
  bool complex32 complex64 complex128 quint8 qint8 qint32 quint4x2 per_tensor_affine per_channel_affine per_tensor_symmetric
  per_channel_symmetric strided sparse_coo sparse_csr sparse_csc sparse_bsr sparse_bsc float8_e4m3fn float8_e5m2
  float8_e4m3fnuz float8_e5m2fnuz contiguous_format preserve_format channels_last`);

/** PyTorch: what `weights_only=True` lets through (torch/_weights_only_unpickler.py). */
export const torch: ImportList = {
  exact: {
    torch: torchTypes,
    'torch._utils': rebuild,
    'torch._tensor': ['_rebuild_from_type_v2'],
    'torch.nn.parameter': ['Parameter', 'Buffer'],
    'torch.serialization': ['_get_layout'],
    'torch.storage': ['TypedStorage', 'UntypedStorage', '_TypedStorage', '_UntypedStorage'],
    'torch.jit._pickle': ['build_intlist', 'build_doublelist', 'build_boollist', 'build_tensorlist'],
  },
  families: [
    {
      module: /^torch(\.cuda)?$/,
      name: /^(Byte|Char|Short|Int|Long|Half|Float|Double|Bool|BFloat16|ComplexFloat|ComplexDouble|QInt8|QUInt8|QInt32|QUInt4x2|QUInt2x4)(Storage|Tensor)$/,
    },
  ],
};
