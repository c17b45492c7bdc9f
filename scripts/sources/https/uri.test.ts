import { expect, it } from 'vitest';
import { parseHttpsUri } from './uri.ts';

it.each([
  ['https://host/a/model.onnx', 'model.onnx'],
  ['https://host/a/my%20model.onnx?download=true', 'my model.onnx'],
  ['https://host/caf%C3%A9.onnx', 'café.onnx'],
  ['https://host/a/../b', 'b'],
])('names the file of %j', (uri, name) => {
  expect(parseHttpsUri(uri)).toMatchObject({ ok: true, value: { name } });
});
