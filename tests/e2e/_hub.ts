/** hf:// models from a misbehaving hub into a real registry: what `e2e/hub` and `slow/hub-faults` share. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { stringify } from 'yaml';
import { noise, tryModelcars } from '../parts/cli.ts';
import { type Fault, type Hub, type HubOptions, startHub } from '../parts/hub.ts';
import { type Registry, startRegistry } from '../parts/registry.ts';
import type { Result } from '../parts/run.ts';
import { tagDigest } from '../parts/tags.ts';
import { safetensors } from '../support/model-files.ts';

export const token = 'hf_EndToEndSecretToken4321';
export const weights = safetensors(noise(25_000_000, 3));
export const readme =
  '---\nlicense: apache-2.0\nbase_model: org/base\npipeline_tag: text-generation\nlibrary_name: transformers\n---\n# Model\n';
export const files = {
  'README.md': readme,
  'config.json': '{"architectures": ["LlamaForCausalLM"]}',
  'tokenizer.json': '{}',
  'model.safetensors': weights,
  'pytorch_model.bin': { size: 1000, generate: 4 },
  '.gitattributes': '*.bin filter=lfs',
};

/** A fault in a response with the weights. */
export const cdn = (fault: Omit<Fault, 'on'>): Fault => ({ on: 'cdn', path: /model\.safetensors/, ...fault });

/** A hub, a registry, and folders with one model each, which the program locks and pushes. */
export class HubRuns implements AsyncDisposable {
  readonly hub: Hub;
  readonly registry: Registry;
  readonly folder: string;
  readonly #shown: Result[] = [];
  #runs = 0;

  private constructor(hub: Hub, registry: Registry, folder: string) {
    this.hub = hub;
    this.registry = registry;
    this.folder = folder;
  }

  /** `models` besides `org/model`. */
  static async start(models: HubOptions['models'] = {}): Promise<HubRuns> {
    const folder = await mkdtemp(join(tmpdir(), 'modelcars-hub-'));
    const registry = await startRegistry({ kind: 'docker-registry' });
    const hub = await startHub({
      models: {
        'org/model': { files, revisions: { 'v1.0': { ...files, 'config.json': '{"v": 1}' } } },
        ...models,
      },
      tokens: { [token]: { user: 'me', accepted: ['org/open'] } },
      pageSize: 3,
    });
    return new HubRuns(hub, registry, folder);
  }

  /** Runs a command on one model in a folder and with a separate store. */
  async run(where: string, args: string[], env: Record<string, string | undefined> = {}): Promise<Result> {
    const own = {
      HF_ENDPOINT: this.hub.url,
      HF_TOKEN: token,
      HF_HOME: join(this.folder, 'hf'),
      HF_TOKEN_PATH: undefined,
    };
    const result = await tryModelcars(args, { cwd: join(this.folder, where), env: { ...own, ...env } });
    this.#shown.push(result);
    return result;
  }

  async write(where: string, model: Record<string, unknown>): Promise<void> {
    await mkdir(join(this.folder, where), { recursive: true });
    const entry = { name: 'llm', framework: 'vllm', base: 'embedded', version: 'v1.0.0', ...model };
    await writeFile(join(this.folder, where, 'models.yaml'), stringify({ models: [entry] }));
  }

  /** A locked model in a separate folder. */
  async locked(model: Record<string, unknown> = {}): Promise<string> {
    const where = `run-${++this.#runs}`;
    await this.write(where, { source: 'hf://org/model', ...model });
    expect(await this.run(where, ['lock'])).toMatchObject({ code: 0 });
    return where;
  }

  push(where: string, env: Record<string, string | undefined> = {}): Promise<Result> {
    return this.run(where, ['push', '--registry', `${this.registry.host}/${where}`], env);
  }

  digestOf(where: string): Promise<string | undefined> {
    return tagDigest(this.registry.host, `${where}/llm`, 'v1.0.0');
  }

  /** No token appeared in any output or at the CDN. */
  expectNoSecrets(): void {
    for (const { stdout, stderr } of this.#shown)
      expect(`${stdout}${stderr}`).not.toMatch(/EndToEndSecret|X-Amz-Sig/);
    expect(this.hub.requests().filter(({ part, authorized }) => part === 'cdn' && authorized)).toEqual([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hub.stop();
    await this.registry.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
