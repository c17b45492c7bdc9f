/** The engines of OpenVINO Model Server and Triton, without their servers. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { onnxPython } from '../parts/onnx.ts';

const script = fileURLToPath(new URL('onnx.py', import.meta.url));

/** The engine's response to a v2 request with the model in `folder`; throws with its output on failure. */
export async function ask(
  engine: 'openvino' | 'onnxruntime',
  folder: string,
  request: unknown,
): Promise<unknown> {
  const child = spawn(await onnxPython(), [script, engine, folder], { timeout: 300_000 });
  child.stdin.on('error', () => {}).end(JSON.stringify(request));
  const ended = new Promise((resolve) => child.once('close', resolve));
  const [code, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  if (code !== 0) throw new Error(`ask ${engine}: ${stderr}`);
  return JSON.parse(stdout);
}
