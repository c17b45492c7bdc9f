/** Programs made of shell scripts, ahead of the real ones on PATH. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder that is first on PATH, and the scripts' working folder. */
export class Programs implements AsyncDisposable {
  readonly folder: string;
  readonly #path = process.env.PATH;

  private constructor(folder: string) {
    this.folder = folder;
    process.env.PATH = `${folder}:${process.env.PATH}`;
  }

  static async open(): Promise<Programs> {
    return new Programs(await mkdtemp(join(tmpdir(), 'modelcars-programs-')));
  }

  /** Adds a program that appends its arguments to the file `calls` and runs the script. */
  async add(name: string, script: string): Promise<void> {
    const head = `#!/bin/sh\ncd "${this.folder}"; echo "${name} $*" >> calls\n`;
    await writeFile(join(this.folder, name), head + script);
    await chmod(join(this.folder, name), 0o755);
  }

  /** Command lines so far. */
  async calls(): Promise<string[]> {
    const text = await readFile(join(this.folder, 'calls'), 'utf8').catch(() => '');
    return text.split('\n').filter(Boolean);
  }

  async read(name: string): Promise<string> {
    return await readFile(join(this.folder, name), 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.env.PATH = this.#path;
    await rm(this.folder, { recursive: true, force: true });
  }
}
