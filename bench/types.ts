/** The words of the benchmark: a job is what a work asks of one tool once; a peer is a tool and how people call it. */

import type { RegistryOptions } from '../tests/parts/registry.ts';

/** A program and its arguments; `pipe` reads what it writes. Paths are absolute. */
export interface Step {
  program: string;
  args: string[];
  pipe?: Step;
}

/** One model of a job. */
export interface BenchModel {
  name: string;
  /** Absolute; holds the model's files and nothing else. With a hub, only what the hub was filled from. */
  folder: string;
  /** Paths below `folder`, sorted. */
  files: string[];
  /** Where its image goes: `127.0.0.1:PORT/bench/name`, without a tag. */
  repository: string;
}

/** What a work asks of one tool once, in a folder of its own with a registry of its own. */
export interface Job {
  models: BenchModel[];
  /** `127.0.0.1:PORT/bases/base:v1`: where every tool reads the base image. */
  base: string;
  /** `127.0.0.1:PORT` */
  registry: string;
  /** The test hub's URL; the models are then to come from there as `bench/NAME`. */
  hub?: string;
  /** Empty at first; all that the tool keeps lies below: home, temporary files, storage, output. */
  folder: string;
  /** Whether files or base changed since `prepare`. */
  changed: boolean;
}

/** A registry of the tests: Debian's docker-registry 2.8, or distribution 3. */
export type RegistryKind = RegistryOptions['kind'];

/** `push`: files or hub to registry. `layout`: files into an OCI layout (or the tool's own store) on disk. */
export type Kind = 'push' | 'hub' | 'layout';

/** A program found on this machine. */
export interface Tool {
  path: string;
  version: string;
}

export interface Peer {
  /** For `--peers`. */
  name: string;
  /** For tables: the commands in short, for this kind of work; `hf download` before them goes without saying. */
  title(kind: Kind, changed: boolean): string;
  kinds: Kind[];
  /** The programs, by the names of `needs`, in that order. */
  needs: string[];
  /** What the tool has to have before the clock starts: the base image in its storage, a lock. */
  prepare?(job: Job, kind: Kind): Promise<Step[]>;
  /** What is timed. */
  steps(job: Job, kind: Kind): Promise<Step[]>;
  /** What it must let go of before its folder can be removed. */
  clean?(job: Job): Step[];
  /** Nothing that it makes has a base image. */
  noBase?: true;
  /** It makes sense for what was never pushed before. */
  firstOnly?: true;
  /** It needs no `hf download` before. */
  readsHub?: true;
  /** For a peer that is there to compare with and pushes nothing. */
  noImage?: true;
}

/** One timed run. Seconds and bytes. */
export interface Sample {
  wall: number;
  /** User and system time of the tool and all its children. */
  cpu: number;
  /** The same of the registry. */
  registryCpu: number;
  /** Resident memory at its most, of the largest process. */
  peak: number;
  /** Resident memory of all processes together at its most, sampled; pages they share count twice. */
  treePeak: number;
  /** Bytes the tool gave to file systems on disk (write_bytes of /proc/PID/io). */
  written: number;
  /** Disk its folder takes at the end. */
  kept: number;
  /** Requests at the registry; in works that count. */
  requests?: number;
  /** Bytes of request bodies sent to the registry; in works that count. */
  sent?: number;
}
