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
  expect(line(hub(199e6, 1e5), 'memory')).toContain('yes');
  expect(line(hub(201e6, 1e5), 'memory')).toContain('**no**');
  expect(line(hub(1, 1e9), 'disk')).toContain('**no**');
  expect(line([result('readme', { modelcars: { sent: 101e3 } })], 'sent')).toContain('**no**');
});

test('a pull may take half the model more on disk, and is compared with what KServe does itself', () => {
  const pull = (peakDisk: number, s3: number) => [
    result('pull', { modelcars: { peakDisk, wall: 2 }, s3: { wall: s3 } }),
  ];
  expect(line(pull(1.5e9, 2), 'on disk')).toBe(
    '| pull | at most 1.5 times the model on disk | 1.50× | yes |',
  );
  expect(line(pull(2e9, 2), 'on disk')).toContain('**no**');
  expect(line(pull(1, 2), "KServe's s3://")).toBe("| pull | not slower than KServe's s3:// | 1.00× | yes |");
  expect(line(pull(1, 1.9), "KServe's s3://")).toContain('**no**');
  expect(line([result('pull', { modelcars: {} })], 'on disk')).toBe(
    '| pull | at most 1.5 times the model on disk | – | – |',
  );
});

test('a cold start is compared with a node that has the image, and with prefetch', () => {
  const at = (warm: number, prefetched: number) => [
    result('coldstart', {
      modelcars: { wall: 10 },
      'modelcars-warm': { wall: warm },
      'modelcars-prefetch': { wall: prefetched },
    }),
  ];
  expect(line(at(5, 6), 'half')).toContain('| 0.50× | yes |');
  expect(line(at(5.1, 6), 'half')).toContain('**no**');
  expect(line(at(5, 6), 'prefetch')).toContain('| 1.20× | yes |');
  expect(line(at(5, 6.1), 'prefetch')).toContain('**no**');
  const scaled = (kept: number) => [result('coldstart-scale', { modelcars: { kept } })];
  expect(line(scaled(5e7), 'again')).toContain('yes');
  expect(line(scaled(6e7), 'again')).toContain('**no**');
});

test('a missing number does not pass, and works that did not run have no line', () => {
  const some = [result('files', { modelcars: {} })];
  expect(line(some, 'podman')).toBe('| files | at least 9 times as fast as podman | – | – |');
  expect(targetTable(some)).not.toContain('| hub |');
  expect(targetTable([])).toBe('');
});
