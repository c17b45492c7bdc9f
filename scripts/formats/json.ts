/**
 * Receives what a JsonScanner finds. `depth` is the number of enclosing containers: 1 for the members of the outermost
 * object.
 */
export interface JsonHandler {
  /** A key of an object, truncated if long. */
  key(depth: number, key: string): void;
  /** A string, number or literal; a long string is truncated. */
  scalar(depth: number, text: string, kind: 'string' | 'number' | 'literal'): void;
  /** An object or array begins; `depth` is that of its members. */
  open(depth: number, kind: '{' | '['): void;
  /** The container ends; `depth` was that of its members. */
  close(depth: number): void;
}

/** The bytes are not JSON (RFC 8259). The message completes "it is not JSON: …". */
export class NotJson extends Error {}

/** The limit of serde_json, which reads safetensors headers. */
const mostDepth = 128;
/** Bytes kept of a string; training notes in `__metadata__` are longer, but not needed. */
const longestText = 8192;

/**
 * Scans JSON of any length, pushed in chunks, in constant memory: it holds at most one string and the list of open
 * containers. As lenient about numbers, escapes and UTF-8 as a reader is allowed to be.
 */
export class JsonScanner {
  readonly #handler: JsonHandler;
  /** The open containers. */
  readonly #open: ('{' | '[')[] = [];
  readonly #text = Buffer.alloc(longestText);
  /** Bytes in `#text`. */
  #length = 0;
  #escaped = false;
  #hasEscapes = false;
  /** What is expected next. */
  #state:
    | 'value'
    | 'first value'
    | 'key'
    | 'first key'
    | 'colon'
    | 'next'
    | 'string'
    | 'key text'
    | 'word'
    | 'end' = 'value';

  constructor(handler: JsonHandler) {
    this.#handler = handler;
  }

  /** Throws NotJson. */
  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at++) this.#take(bytes[at] ?? 0);
  }

  /** Call after the last byte. Throws NotJson. */
  end(): void {
    if (this.#state === 'word') this.#endWord();
    if (this.#state !== 'end') throw new NotJson('it ends too early');
  }

  #take(byte: number): void {
    if (this.#state === 'string' || this.#state === 'key text') {
      this.#takeText(byte);
    } else if (this.#state === 'word' && isWord(byte)) {
      this.#keep(byte);
    } else {
      if (this.#state === 'word') this.#endWord();
      if (!isSpace(byte)) this.#takeMark(byte);
    }
  }

  /** Takes a non-space byte outside strings, numbers and literals. */
  #takeMark(byte: number): void {
    const mark = String.fromCharCode(byte);
    const state = this.#state;
    if (state === 'value' || state === 'first value') {
      if (mark === ']' && state === 'first value') this.#close('[');
      else this.#beginValue(mark, byte);
    } else if (state === 'key' || state === 'first key') {
      if (mark === '}' && state === 'first key') this.#close('{');
      else if (mark === '"') this.#beginText('key text');
      else throw unexpected(mark);
    } else if (state === 'colon' && mark === ':') {
      this.#state = 'value';
    } else if (state === 'next' && mark === ',') {
      this.#state = this.#open.at(-1) === '{' ? 'key' : 'value';
    } else if (state === 'next' && (mark === '}' || mark === ']')) {
      this.#close(mark === '}' ? '{' : '[');
    } else {
      throw unexpected(mark);
    }
  }

  #beginValue(mark: string, byte: number): void {
    if (mark === '"') {
      this.#beginText('string');
    } else if (mark === '{' || mark === '[') {
      if (this.#open.length === mostDepth) throw new NotJson(`it is nested more than ${mostDepth} deep`);
      this.#open.push(mark);
      this.#state = mark === '{' ? 'first key' : 'first value';
      this.#handler.open(this.#open.length, mark);
    } else if (isWord(byte)) {
      this.#state = 'word';
      this.#length = 0;
      this.#keep(byte);
    } else {
      throw unexpected(mark);
    }
  }

  #beginText(state: 'string' | 'key text'): void {
    this.#state = state;
    this.#length = 0;
    this.#escaped = false;
    this.#hasEscapes = false;
  }

  #takeText(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === 0x5c) {
      this.#escaped = true;
      this.#hasEscapes = true;
    } else if (byte === 0x22) {
      this.#endText();
      return;
    }
    this.#keep(byte);
  }

  #endText(): void {
    const text = this.#kept();
    if (this.#state === 'key text') {
      this.#state = 'colon';
      this.#handler.key(this.#open.length, text);
      return;
    }
    this.#endValue();
    this.#handler.scalar(this.#open.length, text, 'string');
  }

  #endWord(): void {
    const word = this.#text.toString('latin1', 0, this.#length);
    const literal = word === 'true' || word === 'false' || word === 'null';
    if (!literal && !/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(word)) throw unexpected(word.slice(0, 20));
    this.#endValue();
    this.#handler.scalar(this.#open.length, word, literal ? 'literal' : 'number');
  }

  #endValue(): void {
    this.#state = this.#open.length === 0 ? 'end' : 'next';
  }

  #close(kind: '{' | '['): void {
    if (this.#open.at(-1) !== kind) throw unexpected(kind === '{' ? '}' : ']');
    this.#handler.close(this.#open.length);
    this.#open.pop();
    this.#endValue();
  }

  #keep(byte: number): void {
    if (this.#length < longestText) this.#text[this.#length++] = byte;
  }

  #kept(): string {
    const text = this.#text.toString('utf8', 0, this.#length);
    if (!this.#hasEscapes) return text;
    try {
      return String(JSON.parse(`"${text}"`));
    } catch {
      return text;
    }
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Whether a byte belongs to a number or literal. */
function isWord(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x2b ||
    byte === 0x2d ||
    byte === 0x2e ||
    byte === 0x45
  );
}

function unexpected(text: string): NotJson {
  const shown = /^[\x20-\x7e]+$/.test(text) ? `\`${text}\`` : `the byte 0x${text.charCodeAt(0).toString(16)}`;
  return new NotJson(`unexpected ${shown}`);
}
