import { lstat, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { ModelcarsError } from '../../../errors.ts';
import type { ModelInput } from '../../../model/types.ts';
import { plain } from '../../../text/format.ts';
import { readNpy } from './npy.ts';

/** Bytes of the largest file with a request. */
const mostBytes = 16 * 1024 ** 2;

const scalar = z.union([z.number(), z.string(), z.boolean()]);
const inputSchema = z.object({
  name: z.string(),
  datatype: z.string().optional(),
  shape: z.array(z.int().min(1)).optional(),
  data: z.array(z.unknown()).min(1),
  parameters: z.record(z.string(), z.unknown()).optional(),
});
const jsonSchema = z.union([
  z.object({ inputs: z.array(inputSchema).min(1), parameters: z.record(z.string(), z.unknown()).optional() }),
  z.array(z.array(z.number()).min(1)).min(1),
  z.array(z.record(z.string(), scalar)).min(1),
  z.record(z.string(), z.array(scalar).min(1)),
]);

/** The request in a file: inputs as they are, rows of numbers, or named columns. */
export type FileRequest =
  | { inputs: ModelInput[]; parameters?: Record<string, unknown> }
  | { rows: number[][] }
  | { columns: Record<string, (number | string | boolean)[]> };

/**
 * Reads a v2 request from a file beside models.yaml: .json with `inputs` of the protocol, rows of numbers, records or
 * columns; .csv with a header line and commas; .npy with rows of numbers. Fails with code `catalog`.
 */
export async function readRequestFile(directory: string, file: string): Promise<FileRequest> {
  const bytes = await readSmall(directory, file);
  const kind = extname(file);
  if (kind === '.npy') {
    const { datatype, shape, data } = readNpy(bytes, plain(file));
    return { inputs: [{ name: 'input-0', datatype, shape, data }] };
  }
  if (kind === '.csv') return { columns: csvColumns(bytes, file) };
  const parsed = jsonSchema.safeParse(parseJson(bytes, file));
  if (!parsed.success)
    throw failure(
      file,
      'it holds neither `inputs` nor rows of numbers nor records',
      'write `{"inputs": […]}` or `[[1, 2]]`',
    );
  const value = parsed.data;
  if (Array.isArray(value)) {
    if (isRows(value)) return { rows: value };
    const [first = {}] = value;
    const names = Object.keys(first);
    const odd = value.findIndex((one) => names.some((name) => !Object.hasOwn(one, name)));
    if (odd !== -1)
      throw failure(file, `record ${odd} lacks a field of the first`, 'give every record the same fields');
    return { columns: Object.fromEntries(names.map((name) => [name, value.map((one) => one[name] ?? '')])) };
  }
  return 'inputs' in value && typeof value.inputs[0] === 'object'
    ? (value as Extract<FileRequest, { inputs: unknown }>)
    : { columns: value as Record<string, (number | string | boolean)[]> };
}

/** The instances of a v1 request in a JSON file: a list, or a map with `instances`. Fails with code `catalog`. */
export async function readInstances(directory: string, file: string): Promise<unknown[]> {
  const value = parseJson(await readSmall(directory, file), file);
  const schema = z.union([z.array(z.unknown()).min(1), z.object({ instances: z.array(z.unknown()).min(1) })]);
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw failure(file, 'it holds no list of instances', 'write `{"instances": […]}`');
  return Array.isArray(parsed.data) ? parsed.data : parsed.data.instances;
}

function isRows(value: unknown[]): value is number[][] {
  return Array.isArray(value[0]);
}

function csvColumns(bytes: Buffer, file: string): Record<string, (number | string)[]> {
  let lines: string[][];
  try {
    lines = parse(bytes, { bom: true, skip_empty_lines: true, trim: true });
  } catch (error) {
    const [reason = ''] = error instanceof Error ? error.message.split('\n') : [];
    throw failure(file, plain(reason), 'write it with a header line and commas');
  }
  const [header = [], ...rows] = lines;
  if (rows.length === 0) throw failure(file, 'it has no line below its header', 'add a row');
  const columns = header.map((name, at): [string, (number | string)[]] => {
    const values = rows.map((row) => row[at] ?? '');
    const numbers = values.map(Number);
    return [name, values.every((one) => one !== '') && numbers.every(Number.isFinite) ? numbers : values];
  });
  return Object.fromEntries(columns);
}

function parseJson(bytes: Buffer, file: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw failure(file, 'it is not JSON', 'correct it');
  }
}

async function readSmall(directory: string, file: string): Promise<Buffer> {
  const path = join(directory, file);
  const stats = await lstat(path).catch(() => undefined);
  if (stats === undefined) throw failure(file, 'no such file', 'correct `smoke:` in models.yaml');
  if (!stats.isFile()) throw failure(file, 'it is not a regular file', 'correct `smoke:` in models.yaml');
  if (stats.size > mostBytes)
    throw failure(file, `it has ${stats.size} bytes; at most ${mostBytes} are read`, 'keep a few rows of it');
  return await readFile(path);
}

function failure(file: string, problem: string, next: string): ModelcarsError {
  return new ModelcarsError('catalog', `read ${plain(file)}: ${problem}`, { next });
}
