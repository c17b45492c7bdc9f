/** KServe's own Hugging Face server: no package index has it, but KServe's Go module contains it beside its Go code. */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { goModule } from './kube/go.ts';
import { pythonWith } from './python.ts';
import { addTorch, torchEnvironment } from './torch.ts';

export interface HuggingFaceServer {
  python: string;
  /** Environment in which this Python finds PyTorch's libraries. */
  env: Record<string, string>;
  /** For `modelcars smoke --local --server-command`: as in its image, except for the ports. */
  command: string;
}

const version = 'v0.14.1';

/** Installs it if missing (350 MB to download, 1 GB in the cache). Throws PartMissing except on Debian 12 with Go. */
export async function huggingFaceServer(): Promise<HuggingFaceServer> {
  const python = await pythonWith({
    name: 'huggingfaceserver',
    requirements: fileURLToPath(new URL('huggingfaceserver.requirements.txt', import.meta.url)),
    interpreters: ['/usr/bin/python3.11', 'python3.11'],
    finish: async (folder) => {
      await addTorch(folder);
      const source = await goModule('github.com/kserve/kserve', version);
      const packages = join(folder, 'lib/python3.11/site-packages');
      const own = join(source, 'python/huggingfaceserver/huggingfaceserver');
      await cp(own, join(packages, 'huggingfaceserver'), { recursive: true });
    },
  });
  // An environment of its own: another key of the one above would be 350 MB to download.
  const jinja = await pythonWith({
    name: 'jinja',
    requirements: fileURLToPath(new URL('jinja.requirements.txt', import.meta.url)),
    interpreters: ['/usr/bin/python3.11', 'python3.11'],
  });
  const templates = join(jinja, '../../lib/python3.11/site-packages');
  const flags = '--model_name "$MODEL_NAME" --model_dir "$MODEL_DIR" --http_port "$PORT" --enable_grpc false';
  return {
    python,
    env: await torchEnvironment(join(python, '../..')),
    command: `PYTHONPATH='${templates}' exec ${python} -m huggingfaceserver ${flags}`,
  };
}
