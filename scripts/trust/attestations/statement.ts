/** A subject of a statement: an image's index or one of its manifests. */
export interface Subject {
  /** The repository, followed by the platform in parentheses for one platform's manifest. */
  name: string;
  /** 64 lower-case hexadecimal digits. */
  digest: { sha256: string };
}

/** An in-toto Statement v1 (in-toto attestation framework, spec/v1/statement.md). */
export interface Statement {
  _type: 'https://in-toto.io/Statement/v1';
  subject: Subject[];
  predicateType: string;
  predicate: object;
}

/**
 * A statement as JSON in UTF-8: the payload that is signed. Equal statements give equal bytes: the statement's own keys
 * are in the specification's order, those of the predicate in the order in which they were made.
 */
export function statementBytes({ _type, subject, predicateType, predicate }: Statement): Uint8Array {
  const subjects = subject.map(({ name, digest: { sha256 } }) => ({ name, digest: { sha256 } }));
  return Buffer.from(JSON.stringify({ _type, subject: subjects, predicateType, predicate }));
}
