import { Unreadable } from '../../artifacts/source.ts';

/** The rules that a file can break: it is or contains code, or what it would run cannot be read from it. */
export type Rule = 'code' | 'unread';

/** An import that loading a file makes: the first one of its name. */
export interface FoundImport {
  module: string;
  name: string;
  /** Bytes from the start of the pickle's own stream (of the unpacked one, if it was compressed). */
  offset: number;
}

export interface Finding {
  rule: Rule;
  /** Completes "FILE …". */
  detail: string;
  /** Bytes from the start of the file, or of the member of an archive. */
  offset?: number;
}

/** What walking a file found, whatever a catalog allows. */
export interface Facts {
  imports: FoundImport[];
  findings: Finding[];
}

/** Distinct imports of one file: real models have fewer than a hundred. */
const mostImports = 2000;
/** Opcodes of all pickles of one file. A vocabulary of a million words takes some five million. */
const mostOpcodes = 50_000_000;
/** Findings reported of one file. */
const mostFindings = 20;
/** Length of a module or a name: longer ones are no identifiers. */
const longestName = 255;

/** Collects the facts of one file. */
export class FactsSoFar {
  readonly #imports = new Map<string, FoundImport>();
  readonly #findings: Finding[] = [];
  #opcodes = mostOpcodes;

  /** Counts an opcode. Throws Unreadable beyond a limit, after some seconds. */
  opcode(): void {
    if (this.#opcodes-- === 0) throw new Unreadable('has too many opcodes');
  }

  /** Throws Unreadable for a name that is none, and beyond a limit. */
  import(module: string, name: string, offset: number): void {
    if (module.length > longestName || name.length > longestName)
      throw new Unreadable('imports a name that is too long');
    const key = `${module}\n${name}`;
    if (this.#imports.has(key)) return;
    if (this.#imports.size === mostImports) throw new Unreadable('imports too many names');
    this.#imports.set(key, { module, name, offset });
  }

  find(rule: Rule, detail: string, offset?: number): void {
    if (this.#findings.some((one) => one.rule === rule && one.detail === detail)) return;
    if (this.#findings.length < mostFindings)
      this.#findings.push({ rule, detail, ...(offset !== undefined && { offset }) });
  }

  /** Whether a part of the file could not be read: reading on changes nothing. */
  get isUnread(): boolean {
    return this.#findings.some(({ rule }) => rule === 'unread');
  }

  all(): Facts {
    return { imports: [...this.#imports.values()], findings: [...this.#findings] };
  }
}

/** An import as messages and `allow:` spell it: `module.Name`, and `module:Outer.Inner` for a name with dots. */
export function spelled({ module, name }: Pick<FoundImport, 'module' | 'name'>): string {
  return name.includes('.') || name === '' ? `${module}:${name}` : `${module}.${name}`;
}
