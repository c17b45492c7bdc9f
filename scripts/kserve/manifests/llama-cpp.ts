/**
 * llama.cpp's server as a ServingRuntime. KServe ships none (kserve/kserve issue 5334). Its image runs as root and names no
 * user; the server needs no right and no home of its own.
 */

/**
 * Finds the model by the names that framework gguf gives: model.gguf, otherwise the first of the parts, and a projector if
 * there is one. KServe's templates know the names of no files, and only a shell can look.
 */
const find = [
  'model=/mnt/models/model.gguf',
  '[ -e "$model" ] || for part in /mnt/models/*-00001-of-*.gguf; do model=$part; done',
  '[ ! -e /mnt/models/mmproj.gguf ] || set -- --mmproj /mnt/models/mmproj.gguf "$@"',
  'exec /app/llama-server --model "$model" "$@"',
].join('\n');

/** The container, without its limits and rights. */
export const llamaCppServer = {
  name: 'kserve-container' as const,
  image: 'ghcr.io/ggml-org/llama.cpp:server-b11176',
  command: ['/bin/sh', '-c', find, 'llama-server'],
  args: ['--alias', '{{.Name}}', '--host', '0.0.0.0', '--port', '8080'],
  env: [
    // Not the model's whole context, whose memory some models have only on the largest machines.
    { name: 'LLAMA_ARG_CTX_SIZE', value: '4096' },
    { name: 'HOME', value: '/tmp' },
  ],
  // The port is open while the model loads.
  readinessProbe: { httpGet: { path: '/health', port: 8080 }, periodSeconds: 5, failureThreshold: 3 },
};
