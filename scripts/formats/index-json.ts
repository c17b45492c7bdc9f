import { type JsonHandler, JsonScanner, NotJson } from './json.ts';
import { type Finding, type FormatReader, mostNamed } from './reader.ts';

/**
 * Reads the shards that a weight index lists: `{"weight_map": {TENSOR: SHARD, …}}` (transformers, `save_pretrained`).
 * JSON without a weight_map is accepted: it may be something else.
 */
export class IndexReader implements FormatReader, JsonHandler {
  wants = 0;
  readonly #size: number;
  readonly #scanner = new JsonScanner(this);
  readonly #shards = new Set<string>();
  #named = 0;
  #inMap = false;
  #key = '';
  #problem: string | undefined;

  constructor(size: number) {
    this.#size = size;
  }

  take(bytes: Uint8Array): void {
    this.wants += bytes.length;
    this.#attempt(() => this.#scanner.push(bytes));
  }

  end(): Finding {
    if (this.wants === this.#size) this.#attempt(() => this.#scanner.end());
    if (this.#problem !== undefined) return { problem: this.#problem };
    return { needs: [...this.#shards].map((name) => ({ name })), role: 'a shard' };
  }

  key(depth: number, key: string): void {
    if (depth === 1) this.#key = key;
  }

  scalar(depth: number, text: string, kind: string): void {
    if (depth !== 2 || !this.#inMap || kind !== 'string' || this.#shards.has(text)) return;
    this.#named += text.length;
    if (this.#named <= mostNamed) this.#shards.add(text);
  }

  open(depth: number, kind: '{' | '['): void {
    if (depth === 2) this.#inMap = this.#key === 'weight_map' && kind === '{';
  }

  close(depth: number): void {
    if (depth === 2) this.#inMap = false;
  }

  #attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof NotJson)) throw error;
      this.#problem = `is not JSON: ${error.message}`;
      this.wants = Number.POSITIVE_INFINITY;
    }
  }
}
