/** A rule that passed. */
export interface Check {
  /** Short name, `modes`. */
  rule: string;
  /** What was checked, for people: "12 files 0444, 3 directories 0555: …". */
  text: string;
  /** Only of a rule that is checked per platform. */
  platform?: string;
}
