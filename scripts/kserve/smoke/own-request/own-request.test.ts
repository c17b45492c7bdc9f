import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelSmoke } from '../../../model/types.ts';
import { ownRequest } from './index.ts';
import { readNpy } from './npy.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-request-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const made = (smoke: ModelSmoke) => ownRequest(smoke, 'churn', folder);

/** A .npy file as numpy.save writes it (version 1: the header is padded to 64 bytes). */
function npy(descr: string, shape: string, values: Buffer, order = 'False'): Buffer {
  const header = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': (${shape}), }`;
  const padded = `${header.padEnd(117)}\n`;
  const start = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, padded.length, 0]);
  return Buffer.concat([start, Buffer.from(padded), values]);
}

describe('ownRequest', () => {
  it('makes a tensor of rows, one prediction each', async () => {
    expect(
      await made({
        rows: [
          [1, 2],
          [3, 4.5],
        ],
      }),
    ).toEqual({
      path: '/v2/models/{name}/infer',
      body: { inputs: [{ name: 'input-0', datatype: 'FP64', shape: [2, 2], data: [1, 2, 3, 4.5] }] },
      expect: { read: 'outputs', rows: 2, outputs: [] },
    });
  });

  it('asks for the name that the server knows, unless a path is given', async () => {
    const rows = [[1]];
    expect((await ownRequest({ rows }, 'churn', folder, 'iris')).path).toBe('/v2/models/iris/infer');
    const path = '/v2/models/two/infer';
    expect((await ownRequest({ rows, path }, 'churn', folder, 'iris')).path).toBe(path);
  });

  it('makes one input per named column, which MLServer joins to a DataFrame', async () => {
    const { body, expect: wanted } = await made({
      columns: { age: [39, 40], city: ['Bonn', 'Köln'] },
      expect: { classes: [0, 1], output: 'label' },
    });
    expect(body).toEqual({
      parameters: { content_type: 'pd' },
      inputs: [
        { name: 'age', datatype: 'FP64', shape: [2, 1], data: [39, 40] },
        {
          name: 'city',
          datatype: 'BYTES',
          shape: [2, 1],
          data: ['Bonn', 'Köln'],
          parameters: { content_type: 'str' },
        },
      ],
    });
    expect(wanted).toEqual({ read: 'labels', classes: [0, 1], output: 'label' });
  });

  it('takes type and shape of inputs from their data', async () => {
    const { body } = await made({
      inputs: [
        { name: 'ids', datatype: 'INT64', data: [[1, 2, 3]] },
        { name: 'mask', data: [[true, false, true]] },
        { name: 'text', data: ['a'], parameters: { content_type: 'str' } },
        { name: 'flat', shape: [2, 1], data: [0.5, 1] },
      ],
    });
    expect(body).toEqual({
      inputs: [
        { name: 'ids', datatype: 'INT64', shape: [1, 3], data: [1, 2, 3] },
        { name: 'mask', datatype: 'BOOL', shape: [1, 3], data: [true, false, true] },
        { name: 'text', datatype: 'BYTES', shape: [1], data: ['a'], parameters: { content_type: 'str' } },
        { name: 'flat', datatype: 'FP64', shape: [2, 1], data: [0.5, 1] },
      ],
    });
  });

  it('accepts any answer, also without a row for each of the request', async () => {
    const { expect: wanted } = await made({ rows: [[1]], expect: 'any' });
    expect(wanted).toEqual({ read: 'outputs', outputs: [] });
  });

  it('gives every expected output the common tolerance', async () => {
    const { expect: wanted } = await made({
      rows: [[1]],
      expect: { tolerance: 0.1, outputs: [{ data: [1] }, { name: 'b', tolerance: 0.2 }] },
    });
    expect(wanted).toEqual({
      read: 'outputs',
      rows: 1,
      outputs: [
        { data: [1], tolerance: 0.1 },
        { name: 'b', tolerance: 0.2 },
      ],
    });
  });

  it('asks for text, chat and embeddings at the paths of either server', async () => {
    expect(await made({ prompt: 'Hi', expect: { matches: 'a' } })).toEqual({
      path: ['/openai/v1/completions', '/v1/completions'],
      body: { model: '{name}', prompt: 'Hi', max_tokens: 16, temperature: 0, stream: false },
      expect: { read: 'text', maxTokens: 16, pattern: 'a' },
    });
    const messages = [{ role: 'user', content: 'Hi' }];
    expect(await made({ messages, parameters: { max_tokens: 4 } })).toMatchObject({
      path: ['/openai/v1/chat/completions', '/v1/chat/completions'],
      body: { model: '{name}', messages, max_tokens: 4 },
      expect: { read: 'text', maxTokens: 4 },
    });
    expect(await made({ input: ['a', 'b'], expect: { size: 8 } })).toEqual({
      path: ['/openai/v1/embeddings', '/v1/embeddings'],
      body: { model: '{name}', input: ['a', 'b'], encoding_format: 'float' },
      expect: { read: 'embeddings', count: 2, size: 8 },
    });
  });

  it('makes v1 instances, in its place and from a file', async () => {
    await writeFile(join(folder, 'instances.json'), '{"instances": [{"a": 1}, {"a": 2}]}');
    expect(await made({ instances: 'instances.json', expect: { predictions: [1, 2] } })).toEqual({
      path: '/v1/models/{name}:predict',
      body: { instances: [{ a: 1 }, { a: 2 }] },
      expect: { read: 'predictions', rows: 2, predictions: [1, 2] },
    });
  });

  it('reads rows, records, columns and inputs of JSON', async () => {
    const inputs = async (text: string) => {
      await writeFile(join(folder, 'in.json'), text);
      return (await made({ inputs: 'in.json' })).body;
    };
    const columns = { parameters: { content_type: 'pd' } };
    const age = { name: 'age', datatype: 'FP64', shape: [2, 1], data: [1, 2] };
    expect(await inputs('[[1], [2]]')).toMatchObject({ inputs: [{ shape: [2, 1], data: [1, 2] }] });
    expect(await inputs('[{"age": 1}, {"age": 2}]')).toEqual({ ...columns, inputs: [age] });
    expect(await inputs('{"age": [1, 2]}')).toEqual({ ...columns, inputs: [age] });
    expect(await inputs('{"inputs": [{"name": "x", "data": [1]}], "parameters": {"p": 1}}')).toEqual({
      parameters: { p: 1 },
      inputs: [{ name: 'x', datatype: 'FP64', shape: [1], data: [1] }],
    });
  });

  it('reads the named columns of CSV, numbers as numbers', async () => {
    await writeFile(join(folder, 'in.csv'), '\ufeffage,city,zip\r\n39,"Bonn, Rhein",x1\r\n40,Köln,22\r\n');
    expect((await made({ inputs: 'in.csv' })).body).toMatchObject({
      inputs: [
        { name: 'age', datatype: 'FP64', data: [39, 40] },
        { name: 'city', datatype: 'BYTES', data: ['Bonn, Rhein', 'Köln'] },
        { name: 'zip', datatype: 'BYTES', data: ['x1', '22'] },
      ],
    });
  });

  it('reads numbers of .npy', async () => {
    const floats = Buffer.from(new Float32Array([1, 2, 3, 4, 5, 6]).buffer);
    await writeFile(join(folder, 'in.npy'), npy('<f4', '2, 3', floats));
    expect((await made({ inputs: 'in.npy' })).body).toEqual({
      inputs: [{ name: 'input-0', datatype: 'FP32', shape: [2, 3], data: [1, 2, 3, 4, 5, 6] }],
    });
  });

  it.each<[string, Buffer, string]>([
    ['objects', npy('|O', '1,', Buffer.alloc(8)), 'its values are no numbers'],
    ['big-endian numbers', npy('>f4', '1,', Buffer.alloc(4)), 'big-endian'],
    ['column-major order', npy('<f4', '1,', Buffer.alloc(4), 'True'), 'column-major'],
    ['too few values', npy('<f4', '2,', Buffer.alloc(4)), 'it has 4 bytes of values, and its shape needs 8'],
    ['a huge shape', npy('<f4', '9999999999, 9999999999', Buffer.alloc(4)), 'it has 4 bytes'],
    ['a large integer', npy('<i8', '1,', Buffer.alloc(8, 0x7f)), 'too large for JSON'],
    ['a pickle', Buffer.from('\x80\x04K\x01.'), 'it is no .npy file'],
  ])('refuses .npy with %s', (_, bytes, problem) => {
    expect(() => readNpy(bytes, 'in.npy')).toThrow(problem);
  });

  it.each<[string, ModelSmoke, string]>([
    ['a missing file', { inputs: 'none.csv' }, 'read none.csv: no such file'],
    ['a link', { inputs: 'link.json' }, 'read link.json: it is not a regular file'],
    ['no JSON', { inputs: 'bad.json' }, 'read bad.json: it is not JSON'],
    ['a header alone', { inputs: 'header.csv' }, 'it has no line below its header'],
    ['a short line', { inputs: 'short.csv' }, 'read short.csv: Invalid Record Length'],
    ['uneven columns', { columns: { a: [1, 2], b: [1] } }, 'column b has 1 values, and a has 2'],
    ['uneven rows', { rows: [[1, 2], [3]] }, 'input input-0 has 3 values, and its shape [2,2] 4'],
  ])('refuses %s', async (_, smoke, problem) => {
    await writeFile(join(folder, 'bad.json'), '{');
    await writeFile(join(folder, 'header.csv'), 'a,b\n');
    await writeFile(join(folder, 'short.csv'), 'a,b\n1\n');
    await symlink('/etc/passwd', join(folder, 'link.json')).catch(() => undefined);
    await expect(made(smoke)).rejects.toThrow(problem);
  });
});
