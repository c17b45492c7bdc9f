import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageFile } from '../../package.ts';
import { fieldTables } from './field-tables.ts';
import { anyFailureSchema, commandSchema, documentNames } from './json-schemas.ts';
import { withReference } from './markdown.ts';
import { optionTables } from './option-tables.ts';

/** docs/reference/. */
export const referenceFolder = packageFile('docs/reference');

/** The generated files of docs/reference/, by path below it, as they should be. */
export async function referenceFiles(): Promise<Map<string, string>> {
  const page = (name: string) => readFile(join(referenceFolder, name), 'utf8');
  const json = (schema: object) => `${JSON.stringify(schema, undefined, 2)}\n`;
  return new Map([
    ...documentNames.map((name) => [`json/${name}.schema.json`, json(commandSchema(name))] as const),
    ['json/failure.schema.json', json(anyFailureSchema())],
    ['json.md', withReference(await page('json.md'), fieldTables())],
    ['commands.md', withReference(await page('commands.md'), optionTables())],
  ]);
}

if (import.meta.main) {
  const files = await referenceFiles();
  const folder = join(referenceFolder, 'json');
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) if (!files.has(`json/${name}`)) await rm(join(folder, name));
  for (const [path, text] of files) await writeFile(join(referenceFolder, path), text);
}
