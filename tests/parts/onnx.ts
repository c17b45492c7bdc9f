/** ONNX Runtime and OpenVINO, the engines of Triton and OpenVINO Model Server. */
import { fileURLToPath } from 'node:url';
import { pythonWith } from './python.ts';

/** The Python of both; installed first if needed. Throws PartMissing without a Python. */
export function onnxPython(): Promise<string> {
  return pythonWith({
    name: 'onnx',
    requirements: fileURLToPath(new URL('onnx.requirements.txt', import.meta.url)),
    interpreters: ['python3.11', 'python3.12'],
  });
}
