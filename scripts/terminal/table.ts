import { oneLine, textWidth, truncate } from '../text/width.ts';

/** One column of a table. */
export interface Column {
  title: string;
  align?: 'left' | 'right';
  /** Columns (of the terminal) it may be cut down to when the terminal is narrow; uncut when absent. */
  shrinkTo?: number;
  /** Where a cell loses what does not fit; its end by default. */
  cut?: 'start' | 'end';
  /** Colours a cell after it was cut and padded; gets the whole cell to decide by. */
  style?(shown: string, cell: string): string;
}

export interface TableOptions {
  /** Columns of the terminal; undefined (a file, a pipe, CI) never cuts anything. */
  width?: number | undefined;
  /** Colours the titles. */
  title?(text: string): string;
}

const gap = '  ';

/** Rows of text as aligned columns, without a newline at the end. Cells become single lines; lines end in no blanks. */
export function formatTable(columns: Column[], rows: string[][], options: TableOptions = {}): string {
  const cells = rows.map((row) => columns.map((_, index) => oneLine(row[index] ?? '')));
  const widths = columns.map((column, index) =>
    Math.max(textWidth(column.title), ...cells.map((row) => textWidth(row[index] ?? ''))),
  );
  if (options.width !== undefined) shrink(columns, widths, options.width);

  const line = (row: string[], style: (column: Column, shown: string, cell: string) => string) => {
    const last = row.findLastIndex((cell) => cell !== '');
    return columns
      .slice(0, last + 1)
      .map((column, index) => {
        const cell = row[index] ?? '';
        const cut = truncate(cell, widths[index] ?? 0, column.cut);
        const blanks = ' '.repeat(Math.max(0, (widths[index] ?? 0) - textWidth(cut)));
        const shown = style(column, cut, cell);
        if (column.align === 'right') return blanks + shown;
        return index === last ? shown : shown + blanks;
      })
      .join(gap);
  };
  const head = line(
    columns.map((column) => column.title),
    (_, shown) => options.title?.(shown) ?? shown,
  );
  const body = cells.map((row) => line(row, (column, shown, cell) => column.style?.(shown, cell) ?? shown));
  return [head, ...body].join('\n');
}

/** Takes columns away from the widest column that may lose some, one at a time, until the table fits. */
function shrink(columns: Column[], widths: number[], available: number): void {
  const used = () => widths.reduce((sum, width) => sum + width, 0) + gap.length * (widths.length - 1);
  while (used() > available) {
    let widest = -1;
    for (const [index, column] of columns.entries()) {
      const width = widths[index] ?? 0;
      if (column.shrinkTo !== undefined && width > column.shrinkTo && width > (widths[widest] ?? 0))
        widest = index;
    }
    if (widest < 0) return;
    widths[widest] = (widths[widest] ?? 1) - 1;
  }
}
