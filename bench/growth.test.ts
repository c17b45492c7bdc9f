import { describe, expect, test } from 'vitest';
import { growthChart, growthTable, type Line, renderGrowth } from './growth.ts';

function line(what: string, models: number, cpu: number, peak: number, requests = 0): Line {
  return { what, models, cpu, peak, requests, wall: cpu } as Line;
}
const lines = [
  line('list', 10, 0.1, 100e6),
  line('push', 10, 0.2, 150e6, 60),
  line('list', 1000, 1, 120e6),
  line('push', 1000, 2, 300e6, 7000),
];

describe('growth with the number of models', () => {
  test('is a row for each value, with CPU and requests per model', () => {
    const table = growthTable(lines);
    expect(table).toContain('| command | | 10 models | 1,000 models |');
    expect(table).toContain('| list | CPU per model | 10.0 ms | 1.0 ms |');
    expect(table).toContain('| push | requests per model | 6.0 | 7.0 |');
    expect(table).not.toContain('| list | requests');
  });

  test('is a line for each command, on a logarithmic axis', () => {
    const svg = growthChart([...lines, line('list', 100, 0.5, 110e6)]);
    const [points = ''] = [...svg.matchAll(/<polyline points="([^"]*)"/g)].map(([, found]) => found ?? '');
    const across = points.split(' ').map((point) => Number(point.split(',')[0]));
    const [first = 0, middle = 0, last = 0] = across;
    expect(across).toHaveLength(3);
    expect(middle - first).toBeCloseTo(last - middle, 0);
    expect(svg.match(/<polyline/g)).toHaveLength(4);
  });

  test('keeps names apart where lines end at one value', () => {
    const svg = growthChart([line('list', 10, 1, 100e6), line('lock & list', 10, 1, 100e6)]);
    const heights = ['list', 'lock &amp; list'].map((name) =>
      Number(new RegExp(`y="([\\d.]+)" style="[^"]*">${name}<`).exec(svg)?.[1]),
    );
    expect(Math.abs((heights[0] ?? 0) - (heights[1] ?? 0))).toBeGreaterThanOrEqual(12);
  });

  test('replaces the generated part of the page and nothing else', () => {
    const page =
      'before\n<!-- scale: written by `npm run bench:scale -- --write` -->\nold\n<!-- scale: end -->\nafter\n';
    const written = renderGrowth(page, lines, [line('list, 1 TB', 1, 1, 100e6)]);
    expect(written).toMatch(
      /^before\n<!-- scale: written[\s\S]*list, 1 TB[\s\S]*<!-- scale: end -->\nafter\n$/,
    );
    expect(written).not.toContain('old');
    expect(() => renderGrowth('no markers', lines, [])).toThrow('it has no <!-- scale');
  });
});
