import { type ByteSource, Unreadable } from './source.ts';
import { type Column, mostColumns, plainColumns, plainNumbers, type RowsModel } from './types.ts';

/** What a CatBoost model says of itself. */
export interface CatboostModel {
  rows: RowsModel;
  /** Whether it knows classes: a regressor and a ranker do not. */
  isClassifier: boolean;
  /** Of the CatBoost that wrote it. */
  version?: string;
}

/** `CBM1`, then the length of the FlatBuffer that follows (catboost/libs/model/model.cpp, OutputModel). */
const magic = 'CBM1';
const headBytes = 8;
/** Places of fields in the tables of catboost/libs/model/flatbuffers/model.fbs and features.fbs. */
const core = { trees: 1, info: 2 };
const trees = { categories: 4, floats: 5, texts: 12 };
const floatFeature = { place: 2, name: 4 };
const categoryFeature = { place: 1, name: 2 };
/** Bytes of a text that is read: of parameters the longest. */
const longestText = 256 * 1024;
const mostKeys = 1000;
const pageBytes = 16 * 1024;
const mostPages = 64;

/**
 * Reads the columns of a model in CatBoost's own format (`save_model` of *.cbm); trees are skipped. Undefined when it is
 * none. Columns are in the order of the rows that it takes.
 */
export async function readCatboost(source: ByteSource): Promise<CatboostModel | undefined> {
  const flat = new FlatBuffer(source);
  try {
    if ((await flat.text(0, 4)) !== magic) return undefined;
    const root = headBytes + (await flat.u32(headBytes));
    const info = await infoOf(flat, root);
    const table = await flat.reference(root, core.trees);
    if (table === undefined) return undefined;
    const floats = await features(flat, await flat.vector(table, trees.floats), floatFeature);
    const categories = await features(flat, await flat.vector(table, trees.categories), categoryFeature);
    if ((await flat.vector(table, trees.texts)).length > 0) return undefined;
    const version = /CatBoost Release ([\d.]+\d)/.exec(info.get('catboost_version_info') ?? '')?.[1];
    return {
      rows: { input: columnsOf(floats, categories) },
      isClassifier: info.has('class_params'),
      ...(version !== undefined && { version }),
    };
  } catch (error) {
    if (error instanceof Unreadable) return undefined;
    throw error;
  }
}

interface Feature {
  place: number;
  name: string;
}

/** One tensor where all columns are numbers; otherwise a table, in which a category is a text. */
function columnsOf(floats: readonly Feature[], categories: readonly Feature[]): Column[] {
  if (categories.length === 0) return plainColumns(floats.length);
  const numbers = floats.map(({ place, name }) => ({ place, column: { name, values: plainNumbers } }));
  const texts = categories.map(({ place, name }) => ({ place, column: { name, values: ['a', 'b'] } }));
  return [...numbers, ...texts].sort((a, b) => a.place - b.place).map(({ column }) => column);
}

async function features(
  flat: FlatBuffer,
  tables: readonly number[],
  fields: { place: number; name: number },
): Promise<Feature[]> {
  if (tables.length > mostColumns) throw new Unreadable('it has too many columns');
  const found: Feature[] = [];
  for (const table of tables) {
    const place = await flat.number(table, fields.place, -1);
    found.push({ place, name: (await flat.string(table, fields.name)) ?? String(place) });
  }
  return found;
}

/** Texts that the model carries, by name. */
async function infoOf(flat: FlatBuffer, root: number): Promise<Map<string, string>> {
  const entries = await flat.vector(root, core.info);
  const info = new Map<string, string>();
  for (const entry of entries.slice(0, mostKeys)) {
    const key = await flat.string(entry, 0);
    if (key === 'class_params') info.set(key, '');
    else if (key === 'catboost_version_info') info.set(key, (await flat.string(entry, 1)) ?? '');
  }
  return info;
}

/** Reads fields of a FlatBuffer (flatbuffers.dev, "Internals"), each where it lies. */
class FlatBuffer {
  readonly #source: ByteSource;
  readonly #pages = new Map<number, Buffer>();

  constructor(source: ByteSource) {
    this.#source = source;
  }

  async u32(at: number): Promise<number> {
    return (await this.#bytes(at, 4)).readUInt32LE();
  }

  async text(at: number, length: number): Promise<string> {
    return (await this.#bytes(at, length)).toString('utf8');
  }

  /** A number of 32 bits in a table. */
  async number(table: number, field: number, absent: number): Promise<number> {
    const at = await this.#field(table, field);
    return at === undefined ? absent : (await this.#bytes(at, 4)).readInt32LE();
  }

  /** Where a table or vector that a table refers to begins. */
  async reference(table: number, field: number): Promise<number | undefined> {
    const at = await this.#field(table, field);
    return at === undefined ? undefined : at + (await this.u32(at));
  }

  async string(table: number, field: number): Promise<string | undefined> {
    const at = await this.reference(table, field);
    if (at === undefined) return undefined;
    const length = await this.u32(at);
    if (length > longestText) throw new Unreadable('it has too long a text');
    return length === 0 ? '' : await this.text(at + 4, length);
  }

  /** Where the tables of a vector begin. */
  async vector(table: number, field: number): Promise<number[]> {
    const start = await this.reference(table, field);
    if (start === undefined) return [];
    const length = await this.u32(start);
    if (length === 0) return [];
    if (length > mostColumns) throw new Unreadable('it has too many columns');
    const offsets = await this.#bytes(start + 4, 4 * length);
    return Array.from({ length }, (_, index) => start + 4 + 4 * index + offsets.readUInt32LE(4 * index));
  }

  /** Where a table's field lies; undefined where it is absent. */
  async #field(table: number, field: number): Promise<number | undefined> {
    const vtable = table - (await this.#bytes(table, 4)).readInt32LE();
    const size = (await this.#bytes(vtable, 2)).readUInt16LE();
    if (4 + 2 * field + 2 > size) return undefined;
    const offset = (await this.#bytes(vtable + 4 + 2 * field, 2)).readUInt16LE();
    return offset === 0 ? undefined : table + offset;
  }

  async #bytes(at: number, length: number): Promise<Buffer> {
    if (at < 0 || at + length > this.#source.size) throw new Unreadable('it ends too early');
    if (Math.floor(at / pageBytes) !== Math.floor((at + length - 1) / pageBytes)) {
      const bytes = await this.#source.read(at, length);
      if (bytes.length < length) throw new Unreadable('it ends too early');
      return Buffer.from(bytes.buffer, bytes.byteOffset, length);
    }
    const page = await this.#page(Math.floor(at / pageBytes));
    return page.subarray(at % pageBytes, (at % pageBytes) + length);
  }

  /** A page of the file: fields that belong together lie together. */
  async #page(number: number): Promise<Buffer> {
    const known = this.#pages.get(number);
    if (known !== undefined) return known;
    const at = number * pageBytes;
    const length = Math.min(pageBytes, this.#source.size - at);
    const bytes = await this.#source.read(at, length);
    if (bytes.length < length) throw new Unreadable('it ends too early');
    const page = Buffer.from(bytes.buffer, bytes.byteOffset, length);
    if (this.#pages.size >= mostPages) this.#pages.clear();
    this.#pages.set(number, page);
    return page;
  }
}
