import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { diskFolder } from './disk.ts';
import { measure } from './measure.ts';
import { memoryOf } from './proc.ts';
import type { Step } from './types.ts';

const mib = 1024 ** 2;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(await diskFolder(), 'modelcars-measure-'));
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

/** A step that runs the code in a grandchild, as podman has them. */
function script(code: string): Step {
  const node = [process.execPath, '--eval', code].map((word) => `'${word}'`).join(' ');
  return { program: 'sh', args: ['-c', `${node}; true`] };
}

async function run(...steps: Step[]) {
  const options = { env: { PATH: process.env.PATH ?? '' }, cwd: folder, logFile: join(folder, 'log') };
  return await measure(steps, options);
}

test('counts the bytes that children write, even to a file deleted before the end', async () => {
  const write = `const fs = require("fs"); fs.writeFileSync("big", Buffer.alloc(${32 * mib}, 1)); fs.unlinkSync("big");`;
  const { written } = await run(script(write), script(write));
  expect(written).toBeGreaterThanOrEqual(64 * mib);
  expect(written).toBeLessThan(80 * mib);
});

test('counts no bytes that go through a pipe', async () => {
  const pipe: Step = { program: 'cat', args: [] };
  const { written } = await run({ program: 'head', args: ['-c', `${32 * mib}`, '/dev/zero'], pipe });
  // cat writes its output to the log, which is a file.
  expect(written).toBeGreaterThanOrEqual(32 * mib);
  const { written: less } = await run({
    program: 'head',
    args: ['-c', `${32 * mib}`, '/dev/zero'],
    pipe: { program: 'wc', args: ['-c'] },
  });
  expect(less).toBeLessThan(mib);
});

test('measures the memory of the largest process and of all processes together', async () => {
  // Each process holds its memory until all do, and for several samples more: start-up times vary.
  const hold = (name: string, count: number) =>
    script(`const { readdirSync, writeFileSync } = require("fs");
      const held = Buffer.alloc(${256 * mib}, 1);
      writeFileSync("${name}-" + process.pid, "");
      const look = setInterval(() => {
        if (readdirSync(".").filter((file) => file.startsWith("${name}-")).length < ${count}) return;
        clearInterval(look);
        setTimeout(() => held.length, 500);
      }, 20);`);
  const alone = await run(hold('alone', 1));
  expect(alone.peak).toBeGreaterThan(256 * mib);
  expect(alone.peak).toBeLessThan(400 * mib);
  const both = await run({ ...hold('both', 2), pipe: hold('both', 2) });
  expect(both.peak).toBeLessThan(400 * mib);
  expect(both.treePeak).toBeGreaterThan(512 * mib);
});

test('adds up the CPU time of children, not their wall time', async () => {
  const spin = 'const end = Date.now() + 500; while (Date.now() < end); process.exit()';
  const spun = await run(
    script('const end = process.cpuUsage().user + 400000; while (process.cpuUsage().user < end);'),
  );
  expect(spun.cpu).toBeGreaterThan(0.39);
  const slept = await run({ program: 'sleep', args: ['0.4'] });
  expect(slept.cpu).toBeLessThan(0.1);
  expect(slept.wall).toBeGreaterThanOrEqual(0.4);
  const twice = await run(script(spin), { program: 'sleep', args: ['0.2'] });
  expect(twice.wall).toBeGreaterThanOrEqual(0.7);
});

test('fails when any step fails, with the output of the step', async () => {
  const bad: Step = { program: 'sh', args: ['-c', 'echo broken >&2; exit 3'] };
  const good: Step = { program: 'true', args: [] };
  await expect(run(bad, good)).rejects.toThrow(/exit code 3\n[\s\S]*broken/);
  await expect(run({ ...bad, pipe: good })).rejects.toThrow('exit code 3');
});

test('passes arguments unchanged', async () => {
  const words = ["it's", '$HOME', 'a b', '', '*', '\\'];
  await run({
    program: process.execPath,
    args: ['--print', 'JSON.stringify(process.argv.slice(1))', '--', ...words],
  });
  expect(await readFile(join(folder, 'log'), 'utf8')).toContain(JSON.stringify(words));
});

test("a daemon's work during the steps is the tool's, its earlier work is not", async () => {
  const request = join(folder, 'request');
  const code = `const fs = require("fs");
    fs.writeFileSync("early", Buffer.alloc(${32 * mib}, 1));
    let held = Buffer.alloc(${400 * mib}, 1);
    held = undefined; global.gc();
    console.log("ready");
    const look = setInterval(() => {
      if (!fs.existsSync("${request}")) return;
      clearInterval(look);
      const end = process.cpuUsage().user + 300000;
      held = Buffer.alloc(${128 * mib}, 1);
      fs.writeFileSync("late", held.subarray(0, ${16 * mib}));
      while (process.cpuUsage().user < end);
      fs.writeFileSync("done", "");
      setTimeout(() => held.length, 60000);
    }, 20);`;
  const daemon = spawn(process.execPath, ['--expose-gc', '--eval', code], { cwd: folder });
  try {
    await once(daemon.stdout, 'data');
    const ask: Step = {
      program: 'bash',
      args: ['-c', `touch ${request}; until test -e done; do sleep 0.02; done; sleep 0.2`],
    };
    const options = {
      env: { PATH: process.env.PATH ?? '' },
      cwd: folder,
      logFile: join(folder, 'log'),
      daemon: daemon.pid,
      watch: folder,
    };
    const asked = await measure([ask], options);
    expect(asked.cpu).toBeGreaterThan(0.29);
    expect(asked.written).toBeGreaterThanOrEqual(16 * mib);
    expect(asked.written).toBeLessThan(32 * mib);
    expect(asked.peak).toBeGreaterThan(128 * mib);
    expect(asked.peak).toBeLessThan(400 * mib);
    expect(asked.peakDisk).toBeGreaterThanOrEqual(48 * mib);
  } finally {
    daemon.kill('SIGKILL');
  }
});

test('stops grandchildren on abort', async () => {
  const stop = new AbortController();
  const { signal } = stop;
  const options = {
    env: { PATH: process.env.PATH ?? '' },
    cwd: folder,
    logFile: join(folder, 'log'),
    signal,
  };
  const file = join(folder, 'pid');
  const code = `require("fs").writeFileSync("${file}", String(process.pid)); setTimeout(() => {}, 60000)`;
  const running = measure([script(code)], options);
  while ((await readFile(file, 'utf8').catch(() => '')) === '') await sleep(20);
  stop.abort(new Error('enough'));
  await expect(running).rejects.toThrow('enough');
  const pid = Number(await readFile(file, 'utf8'));
  for (let tries = 0; tries < 100 && memoryOf(pid) !== undefined; tries++) await sleep(20);
  expect(memoryOf(pid)).toBeUndefined();
  await expect(measure([{ program: 'true', args: [] }], options)).rejects.toThrow('enough');
});
