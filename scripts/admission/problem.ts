/** The expected form of a value, for "expected …, got …". */
export interface Problem {
  expected: string;
  /** Ends the sentence: `; did you mean …?`. */
  hint?: string;
}
