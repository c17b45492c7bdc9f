/** KServe's own PMML server: no package index has it, but KServe's Go module contains it beside its Go code. */
import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { goModule } from './kube/go.ts';
import { PartMissing } from './parts.ts';
import { pythonWith } from './python.ts';
import { run, tryRun } from './run.ts';

export interface PmmlServer {
  python: string;
  /** For `modelcars smoke --local --server-command`: as in its image, except for the ports. */
  command: string;
}

const version = 'v0.14.1';
/** The evaluator that it names (~=0.10.3), which has no wheel; the Java classes are in it. */
const evaluator =
  'jpmml-evaluator==0.10.3 --hash=sha256:93f2c31504fd28580a8ac94a2df56ae073ae3ec93b65be9ee748db741845b186';

/** Installs it if missing (60 MB to download). Throws PartMissing without Java, Go or Python. */
export async function pmmlServer(): Promise<PmmlServer> {
  const java = await tryRun('java', ['-version']).catch(() => undefined);
  if (java?.code !== 0) throw new PartMissing('Java is not here: install openjdk-17-jre-headless');
  const python = await pythonWith({
    name: 'pmmlserver',
    requirements: fileURLToPath(new URL('pmmlserver.requirements.txt', import.meta.url)),
    interpreters: ['python3.11', 'python3.12'],
    finish: async (folder) => {
      const own = join(folder, 'bin', 'python');
      const pins = join(folder, 'evaluator.txt');
      await writeFile(pins, `${evaluator}\n`);
      const flags = ['--no-deps', '--no-build-isolation', '--no-binary=:all:', '--require-hashes'];
      await run(own, ['-m', 'pip', 'install', ...flags, '-r', pins]);
      await rm(pins);
      const source = join(
        await goModule('github.com/kserve/kserve', version),
        'python/pmmlserver/pmmlserver',
      );
      const { stdout } = await tryRun(own, ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))']);
      await cp(source, join(stdout.trim(), 'pmmlserver'), { recursive: true });
    },
  });
  const flags = '--model_name "$MODEL_NAME" --model_dir "$MODEL_DIR" --http_port "$PORT" --enable_grpc false';
  return { python, command: `exec ${python} -m pmmlserver ${flags}` };
}
