/** The command line of the benchmark. */
import { parseArgs } from 'node:util';
import { type Way, ways } from './coldstart/ways.ts';
import { peers as pushPeers } from './peers/index.ts';
import { nodePeers } from './peers/node.ts';
import type { Peer } from './types.ts';
import { type Work, works } from './works.ts';

export interface Options {
  works: Work[];
  /** modelcars is always among them. */
  peers: Peer[];
  /** For cold starts; `modelcars` is always among them. */
  ways: Way[];
  runs: number;
  /** Bytes, and as typed. */
  size: number;
  sizeText: string;
  write: boolean;
  /** A file of earlier results, such as docs/internals/performance.json. */
  compare?: string;
  /** The command line that repeats the run. */
  command: string;
}

const peers = [...pushPeers, ...nodePeers];

export const usage = `npm run bench -- [options]
  --work NAMES   of ${works.map(({ name }) => name).join(', ')} (all)
  --peers NAMES  of ${[...new Set([...peers, ...ways].map(({ name }) => name))].join(', ')} (all that are here)
  --size SIZE    of a large file: 1GiB, 32MiB (1GiB)
  --runs N       of every tool in every work (3)
  --write        docs/guide/performance.md and docs/internals/performance.md, .json and .svg
  --compare FILE fail when a ratio is 15 % worse than in FILE, such as docs/internals/performance.json`;

/** Fails with the usage on a wrong argument. */
export function readOptions(words: string[]): Options {
  const text = { type: 'string', multiple: true } as const;
  const { values } = parseArgs({
    args: words,
    options: {
      work: text,
      peers: text,
      size: { type: 'string', default: '1GiB' },
      runs: { type: 'string', default: '3' },
      write: { type: 'boolean', default: false },
      compare: { type: 'string' },
    },
  });
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1)
    throw new Error(`--runs ${values.runs}: not a number of runs\n${usage}`);
  const chosen = choose<Peer | Way>('--peers', values.peers, [...peers, ...ways]);
  // The ratios are relative to modelcars.
  const belongs = (one: Peer | Way): boolean => one.name === 'modelcars' || chosen.includes(one);
  return {
    works: choose('--work', values.work, works),
    peers: peers.filter(belongs),
    ways: ways.filter(belongs),
    runs,
    size: parseSize(values.size),
    sizeText: values.size.replace(/(?<=\d)(?=[A-Za-z])/, ' '),
    write: values.write,
    ...(values.compare !== undefined && { compare: values.compare }),
    command: ['npm run bench --', ...words].join(' ').replace(/ --$/, ''),
  };
}

/** `1GiB`, `512MiB`, `64KiB` in bytes; fails on anything else. */
export function parseSize(text: string): number {
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?)(KiB|MiB|GiB)$/.exec(text) ?? [];
  if (count === undefined) throw new Error(`--size ${text}: not a size\n${usage}`);
  return Math.round(Number(count) * 1024 ** (['KiB', 'MiB', 'GiB'].indexOf(unit) + 1));
}

function choose<T extends { name: string }>(flag: string, lists: string[] | undefined, from: T[]): T[] {
  const names = lists?.flatMap((list) => list.split(',')).filter(Boolean);
  if (names === undefined) return from;
  const unknown = names.find((name) => from.every((one) => one.name !== name));
  if (unknown !== undefined) throw new Error(`${flag} ${unknown}: no such name\n${usage}`);
  return from.filter(({ name }) => names.includes(name));
}
