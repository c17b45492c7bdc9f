import { z } from 'zod';
import { type DocumentName, documents } from '../output/documents/index.ts';
import { failureSchema } from '../output/documents/parts.ts';

/** The parts of a JSON Schema (draft 2020-12) that zod makes of the documents. */
export interface JsonSchema {
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  items?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: JsonSchema | boolean;
  description?: string;
}

/** The names of all documents, in the order of the help. */
export const documentNames = Object.keys(documents) as DocumentName[];

/** The JSON Schema of one command's document, without that of a failure. */
export function documentSchema(name: DocumentName): JsonSchema {
  return convert(documents[name]);
}

/** The JSON Schema of what a command prints with `--json`: its document, or a failure. */
export function commandSchema(name: DocumentName): JsonSchema {
  const failure = failureSchema.extend({ command: z.literal(name).describe('The command.') });
  const title = `modelcars ${name} --json`;
  return { ...convert(z.union([documents[name], failure]).meta({ title })) };
}

/** The JSON Schema of a failure of any command, also of an unknown one. */
export function anyFailureSchema(): JsonSchema {
  return convert(failureSchema.meta({ title: 'a failure of modelcars with --json' }));
}

/** Unknown fields are allowed: a later version of modelcars adds some, and its documents still have to match. */
function convert(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    override({ jsonSchema }) {
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  }) as JsonSchema;
}
