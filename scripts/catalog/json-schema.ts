import { writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { packageFile } from '../package.ts';
import { catalogSchema } from './schema.ts';

/** models.schema.json at the repository's root, which editors use to complete models.yaml. */
export const schemaFile = packageFile('models.schema.json');

/** The JSON Schema (draft 7, which editors support best) of models.yaml. */
export function jsonSchema(): string {
  const schema = z.toJSONSchema(catalogSchema, { target: 'draft-07', io: 'input' });
  return `${JSON.stringify({ $schema: schema.$schema, title: 'models.yaml of modelcars', ...schema }, null, 2)}\n`;
}

if (import.meta.main) await writeFile(schemaFile, jsonSchema());
