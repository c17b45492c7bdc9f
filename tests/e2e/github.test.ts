/** The files of .github/ that only GitHub reads: it silently ignores an invalid form or owner. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { loadCatalog } from '../../scripts/catalog/load.ts';
import { root } from '../parts/cli.ts';
import { recipe } from '../parts/recipes.ts';

const folder = '.github/ISSUE_TEMPLATE';
const text = z.string().trim().min(1);
const validations = z.strictObject({ required: z.boolean() }).optional();
const id = z.string().regex(/^[\w-]+$/);
const labelled = { label: text, description: text.optional() };
const field = { ...labelled, placeholder: text.optional(), value: text.optional() };

/** GitHub Docs, "Syntax for GitHub's form schema": the elements of `body`, with the keys of each. */
const element = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('markdown'), attributes: z.strictObject({ value: text }) }),
  z.strictObject({
    type: z.literal('textarea'),
    id,
    attributes: z.strictObject({ ...field, render: text.optional() }),
    validations,
  }),
  z.strictObject({ type: z.literal('input'), id, attributes: z.strictObject(field), validations }),
  z.strictObject({
    type: z.literal('dropdown'),
    id,
    attributes: z.strictObject({
      ...labelled,
      multiple: z.boolean().optional(),
      options: z.array(text).min(1),
    }),
    validations,
  }),
  z.strictObject({
    type: z.literal('checkboxes'),
    id,
    attributes: z.strictObject({
      ...labelled,
      options: z.array(z.strictObject({ label: text, required: z.boolean().optional() })).min(1),
    }),
  }),
]);

const form = z.strictObject({
  name: text,
  description: text,
  title: text.optional(),
  labels: z.array(text).optional(),
  assignees: z.array(text).optional(),
  body: z.array(element).min(1),
});

/** GitHub Docs, "Configuring the template chooser". */
const config = z.strictObject({
  blank_issues_enabled: z.boolean(),
  contact_links: z.array(z.strictObject({ name: text, url: z.url(), about: text })).optional(),
});

describe('issue forms', () => {
  test("follow GitHub's schema, and have at least one field", async () => {
    const files = (await readdir(join(root, folder))).sort();
    expect(files).toEqual(['bug.yml', 'config.yml', 'feature.yml']);
    for (const file of files.filter((one) => one !== 'config.yml')) {
      const { documents } = await recipe(`${folder}/${file}`);
      const { body } = form.parse(documents[0]);
      const fields = body.flatMap((one) => (one.type === 'markdown' ? [] : [one]));
      expect([file, fields.length > 0]).toEqual([file, true]);
      const ids = fields.map((one) => one.id);
      expect([file, [...new Set(ids)]]).toEqual([file, ids]);
      const labels = fields.map(({ attributes }) => attributes.label);
      expect([file, [...new Set(labels)]]).toEqual([file, labels]);
    }
  });

  test('disable blank issues, and send vulnerabilities to SECURITY.md', async () => {
    const { documents } = await recipe(`${folder}/config.yml`);
    expect(config.parse(documents[0])).toMatchObject({ blank_issues_enabled: false });
    expect((await recipe(`${folder}/bug.yml`)).text).toContain('SECURITY.md');
  });
});

test('every pattern of CODEOWNERS matches a path of the repository and has an owner', async () => {
  const lines = (await readFile(join(root, '.github/CODEOWNERS'), 'utf8'))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  expect(lines[0]).toMatch(/^\* /);
  for (const line of lines) {
    const [pattern = '', ...owners] = line.split(/\s+/);
    expect([line, owners.length > 0]).toEqual([line, true]);
    for (const owner of owners) expect(owner).toMatch(/^@[\w-]+(\/[\w.-]+)?$/);
    if (pattern !== '*')
      expect([pattern, (await stat(join(root, pattern))).isDirectory()]).toEqual([pattern, true]);
  }
});

test('the image of modelcars is a loader on a base with Node, named as the recipes name it', async () => {
  const { models } = await loadCatalog(join(root, '.github/image.yaml'));
  expect(models).toMatchObject([
    { name: 'modelcars', image: 'loader', base: 'docker.io/library/node:24-slim' },
  ]);
  const { text } = await recipe('ci/gitlab/node.yml');
  expect(text).toContain(`ghcr.io/modelcars/${models[0]?.name}:v`);
});
