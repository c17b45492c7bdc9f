/** One column of the rows that a model takes. */
export interface Column {
  /** Its name in the table that the model was trained on. */
  name?: string;
  /** Values that the model knows: of a category those it was trained with; two rows of a number. */
  values: readonly (number | string | boolean)[];
}

/** What a model of rows says of itself. */
export interface RowsModel {
  /** The columns; `text` for a model that takes a text instead of a row. */
  input: readonly Column[] | 'text';
  /** Outputs of a row: classes of a classifier that answers with scores, targets of a regressor. */
  outputs?: number;
}

/** Columns without a name, of which only the number is known. */
export function plainColumns(count: number): Column[] {
  return Array.from({ length: count }, () => ({ values: plainNumbers }));
}

/** Numbers that few models refuse: positive, so that they have a logarithm. */
export const plainNumbers: readonly number[] = [1, 2];
/** Columns of a model; one with more says too much of itself. */
export const mostColumns = 20_000;
