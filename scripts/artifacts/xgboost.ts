import { type JsonHandler, JsonScanner, NotJson } from '../formats/json.ts';
import { Cursor } from './cursor.ts';
import { type ByteSource, headOf, orNothing, Unreadable } from './source.ts';
import { type Column, mostColumns, plainColumns, type RowsModel } from './types.ts';
import { scanUbjson } from './ubjson.ts';

/** What an XGBoost model says of itself. */
export interface XgboostModel {
  rows: RowsModel;
  /** Version of XGBoost that wrote it: `2.1.2`; of an old binary file `1.7`. */
  version?: string;
  format: 'json' | 'ubj' | 'binary';
}

/** Bytes of a JSON file up to which all of it is scanned; of a longer one its beginning and its end. */
const mostScanned = 16 * 1024 ** 2;
const tail = 256 * 1024;

/**
 * Reads what a file of XGBoost says of itself: JSON, UBJSON, or the binary format that XGBoost wrote before 2.1
 * (XGBoost's documentation, "Introduction to Model IO", and doc/model.schema). Undefined when it is none.
 */
export async function readXgboost(source: ByteSource): Promise<XgboostModel | undefined> {
  return await orNothing(async () => {
    const head = await headOf(source, 512);
    // JSON has a space or a quote there, UBJSON the type of a length.
    if (head[0] !== 0x7b) return readBinary(head);
    const notes = new Notes();
    const isUbj = 'iUIlL$#'.includes(String.fromCharCode(head[1] ?? 0));
    if (isUbj) await scanUbjson(await Cursor.open(source), notes);
    else await scanJson(source, notes);
    return notes.model(isUbj ? 'ubj' : 'json');
  });
}

/** JSON's long part is in the middle: `learner.gradient_booster`, the trees. */
async function scanJson(source: ByteSource, notes: Notes): Promise<void> {
  const scanner = new JsonScanner(notes);
  try {
    for (let offset = 0; offset < source.size; ) {
      const bytes = await source.read(offset, 1024 ** 2);
      if (bytes.length === 0) throw new Unreadable('it ends too early');
      offset += bytes.length;
      scanner.push(bytes);
      if (source.size <= mostScanned || !notes.inTrees) continue;
      const end = await source.read(source.size - tail, tail);
      return notes.takeEnd(Buffer.from(end).toString('utf8'));
    }
    scanner.end();
  } catch (error) {
    if (error instanceof NotJson) throw new Unreadable(error.message);
    throw error;
  }
}

class Notes implements JsonHandler {
  readonly #path: string[] = [];
  readonly #names: string[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #version: string[] = [];

  /** Whether the trees have begun. */
  get inTrees(): boolean {
    return this.#path[0] === 'learner' && this.#path[1] === 'gradient_booster';
  }

  key(depth: number, key: string): void {
    if (depth > 4) return;
    this.#path.length = depth - 1;
    this.#path[depth - 1] = key;
  }

  scalar(depth: number, text: string): void {
    const [first, second, third] = this.#path;
    if (depth === 2 && first === 'version') this.#version.push(text.slice(0, 8));
    if (first !== 'learner') return;
    if (depth === 3 && second === 'learner_model_param' && third !== undefined) this.#note(third, text);
    if (depth === 3 && second === 'feature_names' && this.#names.length <= mostColumns)
      this.#names.push(text);
  }

  open(): void {}

  close(depth: number): void {
    if (depth <= 4) this.#path.length = Math.min(this.#path.length, depth - 1);
  }

  /** Reads the end of a file whose middle was left out. */
  takeEnd(text: string): void {
    const parameters = /"learner_model_param"\s*:\s*\{([^{}]*)\}/.exec(text)?.[1] ?? '';
    for (const [, name = '', value = ''] of parameters.matchAll(/"(\w+)"\s*:\s*"([^"]*)"/g))
      this.#note(name, value);
    const version = /"version"\s*:\s*\[([\d,\s]*)\]\s*\}\s*$/.exec(text)?.[1];
    if (version !== undefined) this.#version.push(...version.split(',').map((part) => part.trim()));
  }

  model(format: XgboostModel['format']): XgboostModel {
    const count = this.#numbers.get('num_feature') ?? 0;
    if (count < 1 || count > mostColumns) throw new Unreadable('it does not say how many features it has');
    const names = this.#names.length === count ? this.#names : [];
    const input: Column[] = plainColumns(count).map((column, at) => {
      const name = names[at];
      return name === undefined ? column : { ...column, name };
    });
    const outputs = Math.max(this.#numbers.get('num_class') ?? 0, this.#numbers.get('num_target') ?? 0, 1);
    const version = this.#version.slice(0, 3).join('.');
    return {
      rows: { input, outputs },
      ...(/^\d+(\.\d+){2}$/.test(version) && { version }),
      format,
    };
  }

  #note(name: string, text: string): void {
    if (/^num_(feature|class|target)$/.test(name) && /^\d{1,9}$/.test(text))
      this.#numbers.set(name, Number(text));
  }
}

/**
 * The binary format: perhaps `binf`, then LearnerModelParamLegacy (src/learner.cc): base_score, num_feature, num_class,
 * two flags, major and minor version, all of four bytes, 136 in all; then the objective's name with its length.
 */
function readBinary(head: Buffer): XgboostModel {
  const at = head.toString('latin1', 0, 4) === 'binf' ? 4 : 0;
  const name = at + 136;
  if (head.length < name + 8) throw new Unreadable('it is no XGBoost model');
  const length = Number(head.readBigUInt64LE(name));
  const objective = head.toString('latin1', name + 8, name + 8 + Math.min(length, 64));
  const count = head.readUInt32LE(at + 4);
  if (length < 3 || length > 64 || !/^[a-z]+:[\w:]+$/.test(objective) || count < 1 || count > mostColumns)
    throw new Unreadable('it is no XGBoost model');
  const [major, minor] = [head.readUInt32LE(at + 20), head.readUInt32LE(at + 24)];
  const outputs = Math.max(1, head.readInt32LE(at + 8));
  // Zero before 1.0, which noted no version.
  const version = major >= 1 && major < 10 && minor < 100 ? `${major}.${minor}` : undefined;
  return {
    rows: { input: plainColumns(count), outputs },
    ...(version !== undefined && { version }),
    format: 'binary',
  };
}
