import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Framework } from '../scripts/catalog/types.ts';

const folders = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/** Open Inference Protocol (v2), "Inference Request JSON Object". */
const requestSchema = z.strictObject({
  inputs: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        shape: z.array(z.int().positive()).nonempty(),
        datatype: z.enum(['INT64', 'FP32', 'FP64']),
        data: z.array(z.number()),
      }),
    )
    .nonempty(),
});

it('has the three frameworks of MLServer', () => {
  expect(folders).toEqual(expect.arrayContaining(['lightgbm', 'sklearn', 'xgboost']));
});

describe.each(folders)('framework %s', async (folder) => {
  const { default: framework }: { default: Framework } = await import(`./${folder}/framework.ts`);
  const { smoke } = framework;

  it('is called as its folder', () => {
    expect(framework.name).toBe(folder);
  });

  it('asks only for files that it takes', () => {
    expect(framework.requires.length).toBeGreaterThan(0);
    for (const { anyOf, why } of framework.requires) {
      expect(framework.include).toEqual(expect.arrayContaining(anyOf));
      expect(why).toMatch(/^\S.*[^.\s]$/);
    }
  });

  it('places every name in the image as a path of its own or a required one', () => {
    const wanted = framework.requires.flatMap(({ anyOf }) => anyOf);
    for (const name of wanted) expect(wanted).toContain(framework.place?.(name) ?? name);
    expect(framework.place?.('sub/model.json') ?? 'sub/model.json').toBe('sub/model.json');
  });

  it.runIf(framework.runtime === 'kserve-mlserver')('brings an artifact, which it takes', () => {
    const artifacts = readdirSync(join(import.meta.dirname, folder)).filter((file) =>
      file.startsWith('model.'),
    );
    expect(artifacts).toHaveLength(1);
    for (const artifact of artifacts) {
      expect(framework.include).toContain(artifact);
      expect(framework.place?.(artifact) ?? artifact).toBe(artifact);
      expect(statSync(join(import.meta.dirname, folder, artifact)).size).toBeLessThan(64 * 1024);
    }
  });

  it.runIf(framework.protocolVersion === 'v2')('has a smoke request whose parts agree', () => {
    expect(smoke.path).toBe('/v2/models/{name}/infer');
    const { inputs } = requestSchema.parse(smoke.body);
    for (const { shape, data } of inputs) {
      expect(shape.reduce((product, length) => product * length, 1)).toBe(data.length);
      expect(shape[0]).toBe(smoke.expect.classes.length);
    }
  });

  it('expects more than one class, and not in order', () => {
    const { classes } = smoke.expect;
    expect(new Set(classes).size).toBeGreaterThan(1);
    expect(classes).not.toEqual(classes.toSorted((one, other) => one - other));
    expect(classes.every((one) => Number.isInteger(one) && one >= 0)).toBe(true);
  });
});
