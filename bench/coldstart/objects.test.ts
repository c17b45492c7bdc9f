import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../tests/parts/run.ts';
import { initializerEntry, storageContainers } from './objects.ts';
import { fetchScheme } from './ways.ts';

test('the initializer gets an image by the scheme that KServe after 0.20 passes to it', async () => {
  const s3 = { endpoint: '', accessKey: '', secretKey: '' };
  const [, { spec }] = storageContainers({ hub: '', s3 });
  const { container } = spec as { container: { command: [string, ...string[]] } };
  const [program, ...args] = container.command;
  const folder = await mkdtemp(join(tmpdir(), 'modelcars-python-'));
  try {
    await writeFile(join(folder, 'python3'), '#!/bin/sh\nprintf "%s|" "$@"\n', { mode: 0o755 });
    const env = { PATH: [folder, process.env.PATH].join(delimiter) };
    const said = await run(program, [...args, `${fetchScheme}://host:1/a@sha256:0`, '/mnt/models'], { env });
    expect(said).toBe(`${initializerEntry}|oci://host:1/a@sha256:0|/mnt/models|`);
  } finally {
    await rm(folder, { recursive: true });
  }
});
