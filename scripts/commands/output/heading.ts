/** The version of the `--json` documents. Within one version fields are only added (docs/reference/json.md). */
export const schemaVersion = 1;

/** The fields that every `--json` document starts with. */
export interface Heading {
  schemaVersion: typeof schemaVersion;
  /** For a command line without a known command: its first word, or null. */
  command: string | null;
  /** Whether the command did its work: exit code 0, or 3 of `lock --exit-code`. */
  ok: boolean;
}

/** Puts the heading in front of a document's other fields. */
export function withHeading<T extends { ok: boolean }>(command: string | null, fields: T): Heading & T {
  const { ok, ...rest } = fields;
  return { schemaVersion, command, ok, ...rest } as Heading & T;
}
