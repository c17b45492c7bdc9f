import { describe, expect, it } from 'vitest';
import { loadCause } from './diagnose.ts';
import { excerpt, firstError, relevantLines } from './server-log.ts';

/** MLServer 1.7.1's log from a pod whose model.joblib was 3000 random bytes; some frames left out. */
const damaged = `2026-11-21 16:44:41,101 [mlserver.parallel] DEBUG - Starting response processing loop...
INFO:     Uvicorn running on http://0.0.0.0:8080 (Press CTRL+C to quit)
2026-11-21 16:45:11,160 [mlserver.parallel] ERROR - An error occurred processing a model update of type 'Load'.
Traceback (most recent call last):
  File "/opt/mlserver/mlserver/registry.py", line 167, in _load_model
    model.ready = await model.load()
  File "/opt/mlserver/joblib/numpy_pickle.py", line 577, in _unpickle
    obj = unpickler.load()
  File "/usr/lib/python3.11/pickle.py", line 1213, in load
    dispatch[key[0]](self)
    ~~~~~~~~^^^^^^^^
KeyError: 47
2026-11-21 16:45:11,162 [mlserver][iris] INFO - Couldn't load model 'iris'. Model will be removed from registry.
2026-11-21 16:45:11,178 [mlserver.parallel] ERROR - An error occurred processing a model update of type 'Unload'.
Traceback (most recent call last):
  File "/opt/mlserver/mlserver/registry.py", line 243, in get_model
    raise ModelNotFound(self._name, version)
mlserver.errors.ModelNotFound: Model iris not found
2026-11-21 16:45:11,181 [mlserver][iris] INFO - Unloaded model 'iris' successfully.
Traceback (most recent call last):
  File "/opt/mlserver/mlserver/parallel/dispatcher.py", line 87, in _wait
    response_message = await future
                       ^^^^^^^^^^^^
mlserver.parallel.errors.WorkerError: builtins.KeyError: 47
2026-11-21 16:45:12,041 [mlserver.grpc] INFO - Waiting for gRPC server shutdown
INFO:     127.0.0.1:44424 - "POST /v2/models/iris/infer HTTP/1.1" 404 Not Found
INFO:     Shutting down
INFO:     Waiting for application shutdown.
INFO:     Application shutdown complete.
INFO:     Finished server process [22]`.split('\n');

describe('a log', () => {
  it('is summarized by its first error, not by the consequences', () => {
    expect(firstError(damaged)).toBe('KeyError: 47');
    expect(relevantLines(damaged)[0]).toEqual(['KeyError: 47']);
    expect(loadCause(damaged)?.cause).toContain('damaged');
    expect(loadCause(damaged)).not.toHaveProperty('race');
  });

  it('lists the error before the frames of its traceback', () => {
    const other = damaged.map((line) =>
      line.replace('KeyError: 47', "ModuleNotFoundError: No module named 'sklearn.x'"),
    );
    expect(loadCause(other)?.cause).toContain('other versions');
    const denied = damaged.map((line) =>
      line.replace('KeyError: 47', "PermissionError: [Errno 13] Permission denied: '/mnt/models'"),
    );
    expect(loadCause(denied)).toMatchObject({ cause: expect.stringContaining('another user'), race: true });
  });

  it('ignores lines about requests', () => {
    expect(
      loadCause(['INFO: 127.0.0.1 - "POST /v2/models/iris/infer HTTP/1.1" 404 Not Found', 'INFO: ready']),
    ).toBeUndefined();
  });

  it('is truncated to the first error and the end', () => {
    const shown = excerpt(damaged);
    expect(shown).toHaveLength(12);
    expect(shown).toContain('KeyError: 47');
    expect(shown).toContain('…');
    expect(shown.at(-1)).toBe(damaged.at(-1));
    expect(excerpt(damaged.slice(0, 12))).toEqual(damaged.slice(0, 12));
  });
});

/** Triton 2.51's log on a machine without a GPU; tables shortened. */
const triton =
  `W1129 11:56:54.316970 1 pinned_memory_manager.cc:273] "Unable to allocate pinned system memory, pinned memory pool will not be available: CUDA driver version is insufficient for CUDA runtime version"
E1129 11:56:54.317146 1 server.cc:241] "CudaDriverHelper has not been initialized."
I1129 11:56:54.337955 1 model_lifecycle.cc:472] "loading: m:1"
E1129 11:56:55.665493 1 model_lifecycle.cc:642] "failed to load 'm' version 1: Internal: onnx runtime error 10: Load model from /mnt/models/m/1/model.onnx failed:This is an invalid model. Error No Op registered for ArgMix with domain_version of 13"
I1129 11:56:55.665652 1 server.cc:604] 
+------------------+------+
| Repository Agent | Path |
+------------------+------+

Error: Failed to initialize NVML
W1129 11:56:55.682211 1 metrics.cc:798] "DCGM unable to start: DCGM initialization error"
${'| setting | value |\n'.repeat(20)}error: creating server: Internal - failed to load all models`.split(
    '\n',
  );

it('of Triton is shown without its tables and without what it says of a missing GPU', () => {
  expect(excerpt(triton)).toEqual([triton[2], triton[3], triton.at(-1)]);
  expect(loadCause(triton)?.cause).toContain('other versions');
});
