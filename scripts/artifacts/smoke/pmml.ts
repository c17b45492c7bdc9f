import type { ModelReader, SmokeTest } from '../../model/types.ts';
import { sourceFrom } from '../json-file.ts';
import { readPmml } from '../pmml.ts';

const rows = 2;

/**
 * Rows for the schema of a PMML model, by protocol v1: in a v2 request of several inputs, KServe's server would take
 * columns for rows (python/pmmlserver/pmmlserver/model.py). Undefined when the file does not say what it takes.
 */
export async function smokeFromPmml(files: ModelReader): Promise<SmokeTest | undefined> {
  const source = sourceFrom(files, 'model.pmml');
  const columns = source && (await readPmml(source));
  if (columns === undefined) return undefined;
  const instances = Array.from({ length: rows }, (_, row) =>
    columns.map(({ values }) => values[row % values.length] ?? 0),
  );
  return {
    path: '/v1/models/{name}:predict',
    body: { instances },
    expect: { read: 'predictions', rows },
    from: `the ${columns.length} fields that model.pmml takes`,
  };
}
