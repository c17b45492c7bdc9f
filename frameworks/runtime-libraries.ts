import type { RuntimeLibraries } from '../scripts/model/types.ts';

/**
 * MLServer's image of KServe's runtime kserve-mlserver: the versions of its poetry.lock at tag 1.7.1, of libraries that
 * models are made with.
 */
export const mlserverLibraries: RuntimeLibraries = {
  image: 'docker.io/seldonio/mlserver:1.7.1',
  versions: {
    catboost: '1.2.7',
    cloudpickle: '3.1.0',
    dill: '0.3.7',
    keras: '3.9.0',
    lightgbm: '4.6.0',
    mlflow: '2.19.0',
    mlserver: '1.7.1',
    numba: '0.59.1',
    numpy: '1.26.4',
    pandas: '2.2.3',
    pyarrow: '17.0.0',
    'scikit-learn': '1.5.2',
    scipy: '1.13.1',
    shap: '0.43.0',
    spacy: '3.7.5',
    tensorflow: '2.18.0',
    torch: '2.4.1',
    transformers: '4.41.2',
    xgboost: '2.1.2',
  },
};

/**
 * OpenVINO's own operators and those of ai.onnx, of any version: to a newer one it says "Falling back to" the newest
 * that it knows (src/frontends/onnx/frontend/src/ops_bridge.cpp). It has none of ai.onnx.ml.
 */
export const openvinoLibraries: RuntimeLibraries = {
  image: 'docker.io/openvino/model_server:2025.3',
  versions: { 'onnx-ir': '*', 'ai.onnx': '*', 'com.microsoft': '*', 'org.openvinotoolkit': '*' },
};
