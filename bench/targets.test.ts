import { expect, test } from 'vitest';
import type { Result } from './results.ts';
import { targetTable } from './targets.ts';
import type { Sample } from './types.ts';

function result(work: string, rows: Record<string, Partial<Sample>>, bytes = 1e9): Result {
  const base = { wall: 1, cpu: 1, registryCpu: 1, peak: 2e8, treePeak: 3e8, written: 0, kept: 0 };
  return {
    work,
    title: work,
    bytes,
    command: '',
    date: '',
    machine: {},
    rows: Object.entries(rows).map(([peer, sample]) => ({
      peer,
      title: peer,
      versions: {},
      samples: [{ ...base, ...sample }],
    })),
  };
}

function line(results: Result[], what: string): string | undefined {
  return targetTable(results)
    .split('\n')
    .find((one) => one.includes(what));
}

test('a ratio passes at its limit', () => {
  const at = (podman: number, modctl: number) => [
    result('files', { modelcars: { wall: 2 }, podman: { wall: podman }, modctl: { wall: modctl } }),
  ];
  expect(line(at(18, 2), 'podman')).toBe('| files | at least 9 times as fast as podman | 9.00× | yes |');
  expect(line(at(17.9, 2), 'podman')).toContain('**no**');
  expect(line(at(18, 1.99), 'modctl')).toContain('**no**');
});

test('a layout can take 1.3 times as long as a copy and write each byte once', () => {
  const at = (wall: number, written: number) => [result('layout', { modelcars: { wall, written }, cp: {} })];
  expect(line(at(1.29, 1e9), 'cp')).toBe(
    '| layout | at most 1.3 times the time of cp + sha256 | 1.29× | yes |',
  );
  expect(line(at(1.31, 1e9), 'cp')).toContain('**no**');
  expect(line(at(1, 1e9), 'once')).toContain('yes');
  expect(line(at(1, 2e9), 'once')).toContain('**no**');
});

test('start-up time is subtracted from an unchanged push, and requests are counted', () => {
  const at = (wall: number, requests: number) => [
    result('unchanged', { modelcars: { wall, requests }, 'start-up': { wall: 0.5 } }),
  ];
  expect(line(at(1.4, 39), 'start-up')).toBe('| unchanged | under 1 s after start-up | 0.90 s | yes |');
  expect(line(at(1.6, 39), 'start-up')).toContain('**no**');
  expect(line(at(1.4, 40), 'requests')).toContain('**no**');
});

test('memory, disk and bytes sent have limits', () => {
  const hub = (peak: number, written: number) => [result('hub', { modelcars: { peak, written } })];
  expect(line(hub(299e6, 1e5), 'memory')).toContain('yes');
  expect(line(hub(301e6, 1e5), 'memory')).toContain('**no**');
  expect(line(hub(1, 1e9), 'disk')).toContain('**no**');
  expect(line([result('readme', { modelcars: { sent: 101e3 } })], 'sent')).toContain('**no**');
});

test('a missing number does not pass, and works that did not run have no line', () => {
  const some = [result('files', { modelcars: {} })];
  expect(line(some, 'podman')).toBe('| files | at least 9 times as fast as podman | – | – |');
  expect(targetTable(some)).not.toContain('| hub |');
  expect(targetTable([])).toBe('');
});
