import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { catalogSchema } from './schema.ts';

/** models.schema.json at the repository's top; editors complete models.yaml by it. */
export const schemaFile = fileURLToPath(new URL('../../models.schema.json', import.meta.url));

/** The JSON Schema (draft 7, the one editors know best) of models.yaml. */
export function jsonSchema(): string {
  const schema = z.toJSONSchema(catalogSchema, { target: 'draft-07', io: 'input' });
  return `${JSON.stringify({ $schema: schema.$schema, title: 'models.yaml of modelcars', ...schema }, null, 2)}\n`;
}

if (import.meta.main) await writeFile(schemaFile, jsonSchema());
