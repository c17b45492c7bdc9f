/** The ways in which a model gets to the server of an InferenceService, and the tables that they fill. */

export interface Way {
  /** For `--peers`. */
  name: string;
  /** For tables. */
  title: string;
  /** Where the model is: as an image in a registry, or as files. */
  from: 'registry' | 'hub' | 's3';
  /** Begins the `storageUri`; what follows depends on `from`. */
  scheme: string;
  /** Programs besides the cluster's. */
  needs: string[];
  /** What put the image onto the node before the clock started; nothing by default. */
  before?: 'pod' | 'prefetch';
  /** KServe's `cpuModelcar`, the CPU limit of the sidecar; by default KServe's 10m. */
  cpuModelcar?: string;
}

/**
 * A scheme of the benchmark's own: KServe 0.20 refuses `oci+fetch://`, which the next release knows. Once a storage
 * container allows it, 0.20 makes a modelcar of everything that begins with `oci+` (storage_initializer_injector.go).
 */
export const fetchScheme = 'fetch';

/** All ways, the first for the others to be compared with. */
export const ways: Way[] = [
  {
    name: 'modelcars',
    title: 'modelcars image, oci://',
    from: 'registry',
    scheme: 'oci',
    needs: ['node', 'distribution'],
  },
  {
    name: 'modelcars-warm',
    title: 'modelcars image, oci://, on a node that has it',
    from: 'registry',
    scheme: 'oci',
    needs: ['node', 'distribution'],
    before: 'pod',
  },
  {
    name: 'modelcars-prefetch',
    title: 'modelcars image, oci://, after modelcars prefetch',
    from: 'registry',
    scheme: 'oci',
    needs: ['node', 'distribution'],
    before: 'prefetch',
  },
  {
    name: 'modelcars-cpu',
    title: 'modelcars image, oci://, cpuModelcar 100m',
    from: 'registry',
    scheme: 'oci',
    needs: ['node', 'distribution'],
    // Five pods of it fit on two CPUs.
    cpuModelcar: '100m',
  },
  {
    name: 'modelcars-native',
    title: 'modelcars image, oci+native://',
    from: 'registry',
    scheme: 'oci+native',
    needs: ['node', 'distribution'],
  },
  {
    name: 'oci-fetch',
    title: 'modelcars image, storage initializer, oci+fetch://',
    from: 'registry',
    scheme: fetchScheme,
    needs: ['node', 'distribution', 'kserve-storage'],
  },
  {
    name: 's3',
    title: 'storage initializer, s3://',
    from: 's3',
    scheme: 's3',
    needs: ['versitygw', 'kserve-storage'],
  },
  { name: 'hf', title: 'storage initializer, hf://', from: 'hub', scheme: 'hf', needs: ['kserve-storage'] },
];

/** One table of the work. */
export interface Table {
  /** The name of its result. */
  name: string;
  /** `SIZE` as in a work's title. */
  title: string;
  /** Whether a way has a row in it. */
  has(way: Way): boolean;
  /** In place of the titles of the ways. */
  rowTitle?: string;
}

const first = 'Four safetensors files of SIZE each';
/** An image that was there before is as in the row without it from the second pod on. */
const isCold = ({ before }: Way): boolean => before === undefined;

export const tables = {
  first: {
    name: 'coldstart',
    title: `${first}, from kubectl apply to the first right prediction`,
    has: () => true,
  },
  second: {
    name: 'coldstart-second',
    title: `${first}, likewise for a second service on the same node`,
    has: isCold,
  },
  scaled: {
    name: 'coldstart-scale',
    title: `${first}, from one pod to right predictions of four on the same node`,
    has: isCold,
  },
  prefetched: {
    name: 'coldstart-prefetch',
    title: `${first}, until the DaemonSet of modelcars prefetch has them on an empty node`,
    has: ({ before }) => before === 'prefetch',
    rowTitle: 'modelcars prefetch, DaemonSet',
  },
} satisfies Record<string, Table>;

/** One pass of a way on an empty node: at least the sample of each table that has it. */
export type TableName = keyof typeof tables;

/** The names of the results, in their order. */
export const tableNames: string[] = Object.values(tables).map(({ name }) => name);
