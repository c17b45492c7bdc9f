import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { textWidth } from '../text/width.ts';
import { formatBar } from './bars.ts';
import { createColors } from './color.ts';
import { Meter } from './meter.ts';
import { createProgress, type ProgressOptions, progressMode } from './progress.ts';

/** A stream that records its output; optionally an 80×24 terminal. */
function fakeStream(terminal: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY: terminal, columns: 80, rows: 24 });
  const chunks: string[] = [];
  stream.on('data', (chunk) => chunks.push(String(chunk)));
  return {
    stream: stream as unknown as NodeJS.WriteStream,
    text: () => stripVTControlCharacters(chunks.join('')),
    raw: () => chunks.join(''),
  };
}

async function open(options: Partial<ProgressOptions> = {}) {
  const fake = fakeStream(options.interactive === true);
  return {
    ...fake,
    progress: await createProgress({ stream: fake.stream, enabled: true, interactive: false, ...options }),
  };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('plain lines', () => {
  it('report the start and end of each task, and nothing between for a short one', async () => {
    const { progress, text } = await open();
    const task = progress.task('iris', 2_000_000);
    for (let part = 0; part < 1000; part++) task.add(2000);
    task.note('layer 1 of 2');
    vi.advanceTimersByTime(5000);
    task.done('pushed v1.0.0');
    task.done('again');
    progress.stop();
    expect(text()).toMatch(/^iris: started, 2\.0 MB\niris: pushed v1\.0\.0 \(2\.0 MB in .*\)\n$/);
  });

  it('report each tenth, looked for every ten seconds', async () => {
    const { progress, text } = await open();
    const task = progress.task('llama', 10_000_000);
    task.add(4_500_000);
    task.note('layer 3 of 7');
    vi.advanceTimersByTime(10_000);
    // Less than a tenth more, and a part that is sent again.
    task.add(400_000);
    vi.advanceTimersByTime(10_000);
    task.add(-900_000);
    vi.advanceTimersByTime(10_000);
    task.add(1_000_000);
    vi.advanceTimersByTime(10_000);
    task.fail('get file: no answer');
    vi.advanceTimersByTime(60_000);
    const lines = text().split('\n');
    expect(lines[1]).toMatch(/^llama: 45%, 4\.5 MB of 10 MB, 450 kB\/s, 12 s left, layer 3 of 7$/);
    expect(lines[2]).toMatch(/^llama: 50%, 5\.0 MB of 10 MB, /);
    expect(lines[3]).toBe('llama: failed: get file: no answer');
    expect(lines).toHaveLength(5);
  });

  it('report a slow task once a minute', async () => {
    const { progress, text } = await open();
    progress.task('llama', 10_000_000).add(100_000);
    vi.advanceTimersByTime(125_000);
    progress.stop();
    expect(text().match(/^llama: 1%, /gm)).toHaveLength(2);
  });

  it('contain no control characters', async () => {
    const { progress, raw } = await open();
    progress.task('a\x1b[2Jb').done();
    progress.log('x\x1b[31my\rz');
    expect(raw()).not.toMatch(/[\p{Control}--\n]/v);
  });

  it('contain no secret', async () => {
    const { progress, text } = await open({ mask: (text) => text.replaceAll('topsecret', '****') });
    const task = progress.task('topsecret');
    task.note('topsecret');
    vi.advanceTimersByTime(10_000);
    task.done('topsecret');
    progress.task('b').fail('topsecret');
    progress.log('topsecret');
    progress.warn('topsecret');
    expect(text()).not.toContain('topsecret');
    expect(text().match(/\*\*\*\*/g)?.length).toBeGreaterThanOrEqual(6);
  });
});

it('prints only warnings when disabled', async () => {
  const { progress, text } = await open({ enabled: false });
  const task = progress.task('iris', 10);
  task.add(5);
  progress.log('hello');
  progress.warn('take care');
  task.fail('no');
  expect(text()).toBe('warning: take care\n');
});

describe('bars', () => {
  it('restore the terminal and leave the lines of finished tasks', async () => {
    const { progress, raw, text } = await open({ interactive: true });
    const first = progress.task('iris', 1000);
    const second = progress.task('llama');
    first.add(500);
    vi.advanceTimersByTime(1000);
    expect(text()).toMatch(/iris .*50%.*500 B\/1\.0 kB/);
    progress.warn('take care');
    first.done('built');
    second.fail('no answer');
    progress.stop();
    progress.stop();
    expect(text()).toMatch(
      /warning: take care\n[\s\S]*✓ iris {2}built {2}500 B in [\s\S]*✗ llama {2}no answer\n/,
    );
    expect(raw().lastIndexOf('\x1b[?25h')).toBeGreaterThan(raw().lastIndexOf('\x1b[?25l'));
    expect(raw().lastIndexOf('\x1b[?7h')).toBeGreaterThan(raw().lastIndexOf('\x1b[?7l'));
    expect(vi.getTimerCount()).toBe(0);
  });

  it('print pending lines when stopped', async () => {
    const { progress, text } = await open({ interactive: true });
    progress.task('iris');
    vi.advanceTimersByTime(500);
    progress.warn('take care');
    progress.stop();
    progress.log('after');
    expect(text()).toMatch(/warning: take care\n[\s\S]*after\n$/);
  });

  it('are limited to the rows of the screen', async () => {
    const { progress, text } = await open({ interactive: true });
    const tasks = Array.from({ length: 30 }, (_, index) => progress.task(`model-${index}`, 10));
    vi.advanceTimersByTime(500);
    expect(text()).toContain('model-21');
    expect(text()).not.toContain('model-22');
    tasks[0]?.done();
    vi.advanceTimersByTime(500);
    expect(text()).toContain('model-22');
    progress.stop();
  });

  it.each([20, 40, 60, 80, 200])('fit %d columns', (width) => {
    const meter = new Meter('a-model-with-quite-a-long-name', 27_000_000_000, 0);
    meter.add(1_234_567_890, 10_000);
    meter.note = 'model-00003-of-00007.safetensors';
    const line = formatBar(meter, textWidth(meter.label), width, createColors({ isTTY: false }, {}), 10_000);
    expect(textWidth(line)).toBeLessThan(width);
    if (width >= 80) expect(line).toContain('4%  1.2 GB/27 GB');
    if (width >= 200) expect(line).toContain('123 MB/s  3 m 29 s left  model-00003-of-00007.safetensors');
  });
});

it.each([
  [true, false, {}, true, true],
  [false, false, {}, true, false],
  [true, true, {}, false, true],
  [true, false, { DISABLE_PROGRESS: 'true' }, false, true],
  [true, false, { DISABLE_PROGRESS: 'false' }, true, true],
  [true, false, { CI: 'true' }, true, false],
  [true, false, { CI: 'false' }, true, true],
  [true, false, { TERM: 'dumb' }, true, false],
])(
  'terminal %s, --no-progress %s, %j: enabled %s, interactive %s',
  (isTTY, off, environment, enabled, interactive) => {
    expect(progressMode({ isTTY }, off, environment)).toEqual({ enabled, interactive });
  },
);
