import { z } from 'zod';
import type { ModelArtifact, ModelVersion, RegisteredModel } from './types.ts';

/** Schemas of what a model registry answers. Other fields are dropped. */

/** Part of a URL later. */
const id = z.string().regex(/^[1-9]\d{0,18}$/);
const name = z.string().min(1);
// Absent in answers of older servers.
const state = z.enum(['LIVE', 'ARCHIVED']).default('LIVE');

export const registeredModel: z.ZodType<RegisteredModel> = z.object({ id, name, state });

/** Texts only; properties of other types are left out. */
const properties = z
  .record(z.string(), z.looseObject({ string_value: z.unknown() }))
  .default({})
  .transform((all) =>
    Object.fromEntries(
      Object.entries(all).flatMap(([key, { string_value: text }]) =>
        typeof text === 'string' ? [[key, text] as const] : [],
      ),
    ),
  );

export const modelVersion: z.ZodType<ModelVersion> = z
  .object({ id, name, registeredModelId: id, state, customProperties: properties })
  .transform(({ customProperties, ...version }) => ({ ...version, properties: customProperties }));

/** An artifact that is a model. */
export const modelArtifact: z.ZodType<ModelArtifact> = z.object({ id, name, uri: z.string().default('') });

/** One page of a version's artifacts: models, documents, metrics and others. */
export const artifactPage = z.object({
  items: z.array(z.looseObject({ artifactType: z.string() })).default([]),
  nextPageToken: z.string().default(''),
});

/** Every failure has this form; proxies before the server send other bodies. */
export const failureBody = z.object({ code: z.string(), message: z.string() });
