import { oneLine, textWidth, truncate } from '../text/width.ts';

/** One column of a table. */
export interface Column {
  title: string;
  align?: 'left' | 'right';
  /** Minimum width in terminal columns when the terminal is narrow; never cut when absent. */
  shrinkTo?: number;
  /** Which side of an overlong cell is cut; the end by default. */
  cut?: 'start' | 'end';
  /** Colours a cell after it was cut and padded, based on the whole cell. */
  style?(shown: string, cell: string): string;
}

export interface TableOptions {
  /** Columns of the terminal; when undefined (a file, a pipe, CI), nothing is cut. */
  width?: number | undefined;
  /** Colours the titles. */
  title?(text: string): string;
}

const gap = '  ';

/**
 * Rows of text as aligned columns, without a trailing newline. Cells become single lines; lines have no trailing
 * blanks.
 */
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

/** Narrows the widest shrinkable column one terminal column at a time until the table fits. */
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
