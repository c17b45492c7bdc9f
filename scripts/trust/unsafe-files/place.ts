import type { Value } from '../../artifacts/pickle/values.ts';
import type { FactsSoFar, Rule } from './facts.ts';

/** A file, or the content of an archive's member or of a compressed file. */
export interface Place {
  /** Path below /models, or a member's name. */
  name: string;
  /** Bytes, where they are known before the end. */
  size?: number;
  facts: FactsSoFar;
  /** Whether a text can be a module or name of an allowed import. */
  isKnown(text: string): boolean;
  depth: number;
  /** Completes "FILE …" before a problem of a member: "has a member `…` that". */
  inside?: string;
  /** Takes the persistent IDs of a pickle in a checkpoint of PyTorch. */
  persistent?: (id: Value) => void;
}

/** Adds a finding about a file, or about the member of an archive. */
export function find({ facts, inside }: Place, rule: Rule, detail: string): void {
  facts.find(rule, inside === undefined ? detail : `${inside} ${detail}`);
}
