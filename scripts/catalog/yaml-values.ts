import {
  type Alias,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type YAMLMap,
} from 'yaml';
import { plain, show } from '../text/format.ts';

/** Limit on the nesting of lists and maps; models.yaml needs five levels. */
const deepest = 32;

/** The position of a value and of the values in it, as offsets in the text. */
export interface Spot {
  at: number;
  /** Of the key, for a value in a map. */
  key?: number;
  inside?: Map<PropertyKey, Spot>;
}

/** Reports a mistake at an offset; `earlier` is the offset of the conflicting value. */
type Report = (at: number, problem: string, earlier?: number) => void;

/**
 * Turns YAML nodes into plain values with positions. Unlike yaml's `toJS` it counts the values that aliases expand to,
 * and accepts only maps, lists, texts, numbers, booleans and null.
 */
export class YamlValues {
  #left: number;
  readonly #report: Report;
  /** The latest node of each anchor so far. */
  readonly #anchors = new Map<string, Node>();
  /** Aliases repeat nodes; a node defines its anchor only the first time. */
  readonly #anchored = new Set<Node>();
  readonly #targets = new Map<Alias, Node>();

  constructor(mostValues: number, report: Report) {
    this.#left = mostValues;
    this.#report = report;
  }

  /** The value of a node; fills in `spot`. Undefined where a mistake was reported. */
  unfold(node: unknown, spot: Spot, depth = 0): unknown {
    if (!isNode(node)) return null;
    spot.at = node.range?.[0] ?? spot.at;
    if (--this.#left < 0) {
      if (this.#left === -1)
        this.#report(spot.at, 'too many values, or aliases (`*name`) that expand to too many');
      return undefined;
    }
    if (depth > deepest) {
      this.#report(spot.at, 'lists and maps are nested too deeply, or an alias (`*name`) contains itself');
      this.#left = -1; // one such mistake is enough: an alias that contains itself would report forever
      return undefined;
    }
    if (isAlias(node)) return this.#alias(node, spot, depth);
    if (node.anchor !== undefined && !this.#anchored.has(node)) {
      this.#anchored.add(node);
      this.#anchors.set(node.anchor, node);
    }
    if (isMap(node)) return this.#map(node, spot, depth);
    if (isSeq(node)) {
      const inside = new Map<PropertyKey, Spot>();
      spot.inside = inside;
      return node.items.map((item, index) => {
        const child: Spot = { at: spot.at };
        inside.set(index, child);
        return this.unfold(item, child, depth + 1);
      });
    }
    const { value } = node;
    if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value;
    this.#report(
      spot.at,
      `expected a text, number, boolean, list or map, not a YAML ${plain(node.tag ?? typeof value)}`,
    );
    return undefined;
  }

  #alias(alias: Alias, spot: Spot, depth: number): unknown {
    const { at } = spot;
    const target = this.#targets.get(alias) ?? this.#anchors.get(alias.source);
    if (target === undefined) {
      this.#report(at, `no anchor \`&${plain(alias.source)}\` precedes this alias`);
      return undefined;
    }
    this.#targets.set(alias, target);
    return this.unfold(target, spot, depth + 1);
  }

  #map(node: YAMLMap, spot: Spot, depth: number): unknown {
    const map: Record<string, unknown> = Object.create(null);
    const inside = new Map<PropertyKey, Spot>();
    spot.inside = inside;
    const merges: Pair[] = [];
    for (const pair of node.items) {
      if (isMergeKey(pair.key)) {
        merges.push(pair);
        continue;
      }
      const child: Spot = { at: offsetOf(pair.key) ?? spot.at, key: offsetOf(pair.key) ?? spot.at };
      const name = this.#key(pair.key, child.at);
      if (name === undefined) continue;
      const before = inside.get(name);
      if (before !== undefined) {
        this.#report(child.at, `duplicate key ${show(name)}`, before.key);
        continue;
      }
      inside.set(name, child);
      map[name] = this.unfold(pair.value, child, depth + 1);
    }
    for (const pair of merges) this.#merge(pair.value, map, inside, spot.at, depth);
    return map;
  }

  /** `<<: *map` and `<<: [*map, *map]`: the map's own keys take precedence, then earlier maps of the list. */
  #merge(
    node: unknown,
    into: Record<string, unknown>,
    inside: Map<PropertyKey, Spot>,
    at: number,
    depth: number,
  ) {
    const from: Spot = { at };
    const value = this.unfold(node, from, depth + 1);
    const sources = Array.isArray(value)
      ? value.map((one, i) => [one, from.inside?.get(i)] as const)
      : [[value, from] as const];
    for (const [source, spot] of sources) {
      if (source === undefined) continue;
      if (typeof source !== 'object' || source === null || Array.isArray(source)) {
        this.#report(from.at, 'expected a map, or a list of maps, after `<<:`');
        continue;
      }
      for (const [name, one] of Object.entries(source)) {
        const child = spot?.inside?.get(name);
        if (inside.has(name) || child === undefined) continue;
        inside.set(name, child);
        into[name] = one;
      }
    }
  }

  #key(node: unknown, at: number): string | undefined {
    const key = isAlias(node) ? this.#anchors.get(node.source) : node;
    if (!isScalar(key) || key.value === null || typeof key.value === 'object') {
      this.#report(at, 'expected a text as key');
      return undefined;
    }
    const name = String(key.value);
    // Harmless in null-prototype maps, but zod would drop it silently.
    if (name !== '__proto__') return name;
    this.#report(at, 'the key `__proto__` is not allowed');
    return undefined;
  }
}

function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.value === '<<' && key.type === 'PLAIN';
}

function offsetOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
