import { type DocumentName, documents } from '../../scripts/commands/output/documents/index.ts';
import { failureSchema } from '../../scripts/commands/output/documents/parts.ts';

/**
 * Checks what a run with `--json` printed against the schema of its command, in which an unknown field is an error.
 * Every helper that runs the program calls this, so that each test of a document also tests its schema. Returns the
 * document's command and whether it is a failure; undefined for a run that prints none.
 */
export function checkDocument(
  words: readonly string[],
  stdout: string,
): { command: string | null; failed: boolean } | undefined {
  const given = words.slice(0, words.includes('--') ? words.indexOf('--') : undefined);
  const prints = given.includes('--json') || given[0] === 'split';
  if (!prints || given.includes('--matrix') || given.includes('--help') || !stdout.startsWith('{')) return;
  const document: unknown = JSON.parse(stdout);
  const { command, error } = document as { command: string | null; error?: unknown };
  const failed = error !== undefined;
  const known = command !== null && Object.hasOwn(documents, command);
  if (!failed && !known) throw new Error(`modelcars ${words.join(' ')}: no schema for command ${command}`);
  const schema = failed ? failureSchema : documents[command as DocumentName];
  const result = schema.safeParse(document);
  if (!result.success) throw new Error(`modelcars ${words.join(' ')}: ${result.error.message}\n${stdout}`);
  return { command, failed };
}
