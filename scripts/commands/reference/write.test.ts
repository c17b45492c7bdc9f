import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { checkDocument } from '../../../tests/support/json-document.ts';
import { modelcars } from '../../../tests/support/run-program.ts';
import { anyFailureSchema, commandSchema, documentNames, type JsonSchema } from './json-schemas.ts';
import { withReference } from './markdown.ts';
import { referenceFiles, referenceFolder } from './write.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const read = (path: string) => readFile(join(referenceFolder, path), 'utf8');

it('equals the files of docs/reference/', async () => {
  const files = await referenceFiles();
  for (const [path, text] of files) expect(await read(path), `${path}: run \`npm run schema\``).toBe(text);
  const written = (await readdir(join(referenceFolder, 'json'))).map((name) => `json/${name}`);
  expect(written.toSorted()).toEqual([...files.keys()].filter((path) => path.startsWith('json/')).toSorted());
});

it('describes every field', () => {
  const bare: string[] = [];
  const visit = (schema: JsonSchema, path: string): void => {
    for (const [name, field] of Object.entries(schema.properties ?? {})) {
      if ((field.description ?? '') === '') bare.push(`${path}.${name}`);
      visit(field.items ?? field, `${path}.${name}`);
    }
    for (const [name, part] of Object.entries(schema.$defs ?? {})) visit(part, name);
    for (const option of schema.anyOf ?? []) visit(option, path);
  };
  for (const name of documentNames) visit(commandSchema(name), name);
  visit(anyFailureSchema(), 'failure');
  expect(bare).toEqual([]);
});

it('allows fields that a later version adds', () => {
  expect(JSON.stringify(documentNames.map(commandSchema))).not.toContain('"additionalProperties":false');
});

it('needs the marks of a page', () => {
  expect(() => withReference('# A page\n', 'text')).toThrow('lacks');
});

it('shows examples in json.md that the program prints', async () => {
  const page = await read('json.md');
  const examples = [
    ...page.matchAll(/```console\nnpm run --silent modelcars -- (.*)\n```\n\n```json\n([\s\S]*?)```/g),
  ];
  expect(examples.length).toBeGreaterThan(1);
  // Digests and sizes change with the base image.
  const fixed = (text: string) =>
    text.replace(/sha256:[0-9a-f]{64}/g, 'sha256:…').replace(/"size": \d+/g, '"size": …');
  for (const [, line = '', document = ''] of examples) {
    const words = line.split(' ');
    const { stdout } = await modelcars(words, { cwd: root });
    expect(fixed(stdout)).toBe(fixed(document));
    expect(checkDocument(words, document)?.command).toBe(words[0]);
  }
});
