/** The terms of the benchmark: a job is one run of a work by one tool; a peer is a tool and the way people call it. */

import type { RegistryOptions } from '../tests/parts/registry.ts';

/** A program and its arguments; `pipe` reads its output. Paths are absolute. */
export interface Step {
  program: string;
  args: string[];
  pipe?: Step;
}

/** One model of a job. */
export interface BenchModel {
  name: string;
  /** Absolute; holds only the model's files. With a hub, it is only the source that the hub was filled from. */
  folder: string;
  /** Paths below `folder`, sorted. */
  files: string[];
  /** The destination of its image: `127.0.0.1:PORT/bench/name`, without a tag. */
  repository: string;
}

/** One run of a work by one tool, with a separate folder and a separate registry. */
export interface Job {
  models: BenchModel[];
  /** `127.0.0.1:PORT/bases/base:v1`: where every tool reads the base image. */
  base: string;
  /** `127.0.0.1:PORT` */
  registry: string;
  /** The test hub's URL; the models are then read from it as `bench/NAME`. */
  hub?: string;
  /** Of a pull: an S3 with the models as `s3://models/NAME/…`. */
  s3?: { endpoint: string; accessKey: string; secretKey: string };
  /** Of a pull: the node's containerd listens on this socket. */
  containerd?: string;
  /** Of a pull: which pod of the node it is for, from 1; a later one finds what the earlier ones left. */
  pod?: number;
  /** Empty at first; everything the tool keeps is below it: home, temporary files, storage, output. */
  folder: string;
  /** Whether files or base changed since `prepare`. */
  changed: boolean;
}

/** A registry of the tests: Debian's docker-registry 2.8, or distribution 3. */
export type RegistryKind = RegistryOptions['kind'];

/**
 * `push`: files to registry. `hub`: hub to registry. `layout`: files to an OCI layout (or the tool's own store) on
 * disk. `pull`: from registry, hub or S3 to a folder of a node, mounted or written. `coldstart`: from there to a server in a
 * cluster, by the ways of bench/coldstart/ in place of peers.
 */
export type Kind = 'push' | 'hub' | 'layout' | 'pull' | 'coldstart';

/** A program found on this machine. */
export interface Tool {
  path: string;
  version: string;
}

export interface Peer {
  /** For `--peers`. */
  name: string;
  /** For tables: the commands in short, for this kind of work; a preceding `hf download` is implied. */
  title(kind: Kind, changed: boolean): string;
  kinds: Kind[];
  /** The programs, by the names of `needs`, in that order. */
  needs: string[];
  /** The tool's preparation before the clock starts: the base image in its storage, a lock. */
  prepare?(job: Job, kind: Kind): Promise<Step[]>;
  /** The timed steps. */
  steps(job: Job, kind: Kind): Promise<Step[]>;
  /** Steps needed before its folder can be removed. */
  clean?(job: Job): Step[];
  /** Its results have no base image. */
  noBase?: true;
  /** Only useful for models that were never pushed before. */
  firstOnly?: true;
  /** Needs no `hf download` first. */
  readsHub?: true;
  /** Pushes nothing: a peer for comparison only. */
  noImage?: true;
  /** Peers of `pull` only. */
  pull?: PullPeer;
}

/** What a peer of `pull` needs before its clock starts. Its `steps` leave each model's files in `pulledTo`. */
export interface PullPeer {
  /** The registry, by default, or another source that has the models already. */
  from?: 'hub' | 's3';
  /** Steps that put the models into the registry, once per work, in a folder that is removed afterwards. */
  publish?(job: Job): Promise<Step[]>;
  /** The node's containerd, started before the clock: its settings beyond the defaults, in TOML; '' for none. */
  containerd?: string;
}

/** One timed run, in seconds and bytes. */
export interface Sample {
  wall: number;
  /** User and system time of the tool and all its children; of the whole node in a cold start. */
  cpu: number;
  /** The same for the registry, or what else it reads from. */
  registryCpu: number;
  /** Peak resident memory of the largest process; not in cold starts, like the next two. */
  peak?: number;
  /** Peak resident memory of all processes together, sampled; shared pages count more than once. */
  treePeak?: number;
  /** Bytes that the tool wrote to file systems on disk (write_bytes of /proc/PID/io). */
  written?: number;
  /** Disk space of its folder at the end; in a cold start, what the node's grew by. */
  kept: number;
  /** Requests at the registry; only in works that count. */
  requests?: number;
  /** Bytes of request bodies sent to the registry; only in works that count. */
  sent?: number;
  /** Largest disk space of its folder seen during the run; only in pulls. */
  peakDisk?: number;
  /** Only in cold starts, like the next two: seconds until the last pod existed. */
  created?: number;
  /** Until the server's container ran in it, which is when the model is there. */
  started?: number;
  /** Until the pod was ready: the server had read the model. */
  ready?: number;
}
