import type { KnownCause } from './cause.ts';
import { libraryCauses, requestCauses } from './model-causes.ts';

const secret =
  'kubectl create secret docker-registry NAME --docker-server=… --docker-username=… --docker-password=…, and name it: --pull-secret NAME, or `imagePullSecrets` in `serving:` of models.yaml';
const oneUser =
  "let server and modelcar run as one user: `uidModelcar` in KServe's ConfigMap inferenceservice-config, or `runAsUser` in `serving:` of models.yaml; OpenShift does it by itself";
const verify = 'run `modelcars verify`, which says what is wrong with the image, and build it again';
const shell =
  'use a base with sh, ln, ls and sleep: `base: embedded`, or ubi-micro (not scratch, not distroless)';

/** In the order they are tried: the first one with matching stage and sign is reported. */
export const knownCauses: KnownCause[] = [
  // apply
  {
    stages: ['apply'],
    sign: /NoSupportingRuntime|RuntimeNotRecognized|no runtime found|does not exist|not find.*runtime/i,
    cause: 'the cluster has no such ServingRuntime, or one that does not take this model format and protocol',
    fix: 'pass --with-runtime to include it, or name one of `kubectl get clusterservingruntimes,servingruntimes` as `runtime` in `serving:` of models.yaml',
  },
  {
    stages: ['apply'],
    sign: /must specify a volume type|volumes\[\d+\].*Required value/i,
    cause:
      'the API server knows no image volumes: oci+native:// needs the feature gate ImageVolume (Kubernetes 1.33)',
    fix: 'serve with oci://, or turn the feature gate on',
  },
  {
    stages: ['apply'],
    sign: /StorageURI.*not supported|not supported.*storage/i,
    cause: 'this KServe does not know the scheme: oci+native:// came with 0.20, oci+fetch:// after it',
    fix: 'serve with oci://, or take a newer KServe',
  },
  {
    stages: ['apply'],
    sign: /Insufficient|didn't match|untolerated taint|nodes are available/i,
    cause: 'no node has room for the pod, or none that it may run on',
    fix: 'ask for less in `resources` of `serving:` in models.yaml, or make room; `kubectl describe nodes` shows what is in use',
  },
  {
    stages: ['apply'],
    sign: /exceeded quota|must specify (limits|requests)/i,
    cause: "the namespace's quota does not allow the pod",
    fix: 'set `resources` in `serving:` of models.yaml, or take another namespace',
  },
  {
    stages: ['apply'],
    sign: /violates PodSecurity|unable to validate against any security context constraint/i,
    cause: 'the namespace forbids a pod such as this',
    fix: 'on OpenShift leave --security out, so that the SCC chooses the user; elsewhere `--security openshift` asks for least',
  },
  {
    stages: ['apply'],
    sign: /failed calling webhook|connection refused|no endpoints available/i,
    cause: "KServe's webhook does not answer",
    fix: 'see whether the KServe controller runs: kubectl -n kserve get pods',
  },
  // pull
  {
    stages: ['pull'],
    sign: /InvalidImageName|couldn't parse image|invalid reference/i,
    cause: 'the image has no valid name',
    fix: 'correct `registry:` in models.yaml',
  },
  {
    stages: ['pull'],
    sign: /no match for platform|no matching manifest|exec format error/i,
    cause: "the image has no variant for the node's processor",
    fix: 'add it to `platforms:` in models.yaml, and build again',
  },
  {
    stages: ['pull'],
    sign: /\b401\b|unauthori[sz]ed|authentication required|no basic auth/i,
    cause: 'the registry wants credentials and the pod has none that it takes',
    fix: secret,
  },
  {
    stages: ['pull'],
    sign: /\b403\b|forbidden|denied/i,
    cause:
      'the registry refuses: credentials are missing or lack the right to pull, or the repository does not exist',
    fix: secret,
  },
  {
    stages: ['pull'],
    sign: /x509|certificate/i,
    cause: "the node does not trust the registry's certificate",
    fix: "give the nodes the registry's CA: /etc/containerd/certs.d, on OpenShift image.config.openshift.io/cluster",
  },
  {
    stages: ['pull'],
    sign: /HTTP response to HTTPS/i,
    cause: 'the registry speaks http, and the node https',
    fix: 'let the nodes speak http to it in /etc/containerd/certs.d, or give the registry a certificate',
  },
  {
    stages: ['pull'],
    sign: /not found|manifest unknown|\b404\b/i,
    cause: 'the registry has no such image',
    fix: 'push it first: `modelcars push`; or test the built image, without --remote',
  },
  {
    stages: ['pull'],
    sign: /no space left/i,
    cause: "the node's disk is full",
    fix: 'make room on the node: `crictl rmi --prune` there',
  },
  {
    stages: ['pull'],
    sign: /no such host|dial tcp|i\/o timeout|connection refused|network is unreachable|EOF|TLS handshake/i,
    cause: 'the node cannot reach the registry',
    fix: 'check name, proxy and firewall from the node; air-gapped: mirror the image, or load it with --load-image',
  },
  {
    stages: ['pull'],
    sign: /zstd|unsupported.*compress|failed to (unpack|extract|register layer)|wrong diff id/i,
    cause: "the node's container runtime cannot unpack the layers",
    fix: 'build with `compression: none` or gzip; old containerd and Docker know no zstd',
  },
  // init, link
  {
    stages: ['init', 'link'],
    sign: /executable file not found|exec:? "?sh"?|stat .*sh: no such file|no such file or directory.*: unknown/i,
    cause: "the image has no shell, with which KServe's modelcar links /mnt/models",
    fix: shell,
  },
  {
    stages: ['init', 'link'],
    sign: /exec format error/i,
    cause: "the image is for another processor than the node's",
    fix: 'add the platform to `platforms:` in models.yaml, and build again',
  },
  {
    stages: ['init', 'link', 'load'],
    sign: /non-numeric user|runAsNonRoot|run as root/i,
    cause: "the image's user is root or a name, and the pod may only run as another, by number",
    fix: 'build with modelcars, whose images run as 1001; or set `runAsUser` in `serving:` of models.yaml',
  },
  {
    stages: ['init', 'link'],
    sign: /can't open '?\/models|(ls|cannot open directory|cannot access).*\/models.*Permission denied|Permission denied.*\/models/i,
    cause: 'the user that the pod runs as cannot read /models: folders have to be 0555, files 0444',
    fix: verify,
  },
  {
    stages: ['init'],
    sign: /NOK|does not exist or is empty/i,
    cause: 'the image has nothing below /models',
    fix: verify,
  },
  {
    stages: ['link'],
    sign: /OOMKilled/,
    cause: 'the modelcar ran out of memory',
    fix: "raise `memoryModelcar` in KServe's ConfigMap inferenceservice-config (15Mi is its default)",
  },
  {
    stages: ['init'],
    sign: /Unrecognized storage|Cannot recognize storage type|storage type for/i,
    cause: 'modelcars are off in this cluster, so KServe tries to download oci://',
    fix: 'set `enableModelcar` to true in the ConfigMap inferenceservice-config, then restart the KServe controller',
  },
  {
    stages: ['link'],
    sign: /exit code 0\b/,
    cause:
      "the modelcar ended by itself: an ENTRYPOINT of the image ran instead of KServe's link command, which is given as arguments",
    fix: 'take the ENTRYPOINT out of the image, or another base: `base: embedded`',
  },
  // load, ready, answer: the model server's texts
  {
    stages: ['load', 'ready', 'answer'],
    sign: /OOMKilled|exit code 137\b/,
    cause: 'the model server ran out of memory',
    fix: 'raise `resources.limits.memory` in `serving:` of models.yaml',
  },
  {
    stages: ['load', 'ready', 'answer'],
    // OpenVINO 2025.3, 2026.4; ONNX Runtime from 1.24 on.
    sign: /invalid external data: ExternalDataInfo|filesystem error: cannot make canonical path|Failed to get the weakly canonical path/i,
    cause:
      "the server does not find the graph's external weights through the modelcar's /proc/<pid>/root: it makes their path canonical first",
    fix: 'serve it with oci+native:// or oci+fetch://, or save the graph with its weights inside (below 2 GB)',
  },
  {
    stages: ['load', 'ready', 'answer'],
    sign: /cannot make canonical path/i,
    cause:
      "XGBoost cannot open the file through the modelcar's /proc/<pid>/root: it makes the path canonical first",
    fix: 'call the file model.bst (framework xgboost does), with a server that has XGBoost 2; XGBoost 3.1 and newer need oci+native://',
  },
  {
    stages: ['load', 'ready', 'answer'],
    sign: /(Permission denied|Errno 13|EACCES|PermissionError).*\bmodels\b|\bmodels\b.*(Permission denied|not permitted)/i,
    cause:
      'the model server cannot read /mnt/models: it runs as another user than the modelcar, or the files are not readable for all',
    fix: `${oneUser}; and \`modelcars verify\` checks the files' modes`,
    race: true,
  },
  {
    stages: ['load', 'ready', 'answer'],
    sign: /compute capability|bfloat16 is only supported|--dtype|dtype=half/i,
    cause: 'the accelerator does not know the precision of the weights',
    fix: 'set `args: [--dtype=half]` in `serving:` of models.yaml',
  },
  {
    stages: ['load', 'ready', 'answer'],
    sign: /no CUDA|CUDA (error|driver)|NVIDIA driver|device type/i,
    cause: 'the model server wants a GPU and has none',
    fix: "ask for one: `resources: {limits: {nvidia.com/gpu: 1}}` in `serving:` of models.yaml, or take the runtime's CPU image",
  },
  ...requestCauses,
  ...libraryCauses,
  {
    stages: ['load', 'ready', 'answer'],
    sign: /unpickl|invalid load key|EOFError|UnpicklingError|BadZipFile|magic number|Check failed|parse error|Unknown (file )?format|unexpected end|InvalidHeader|SafetensorError|InvalidProtobuf|Protobuf|corrupt|Model format error|expected (value|EOF)/i,
    cause: 'the model server cannot read the file: it is damaged, cut short, or of another format',
    fix: 'check the file at its source (a Git LFS pointer?), then `modelcars lock --upgrade`',
  },
  {
    stages: ['load', 'ready', 'answer'],
    sign: /has no attribute|incompatible/i,
    cause:
      'the model was made with other versions of its libraries than the model server has, or needs one that is not there',
    fix: "train with the server's versions (frameworks/*/requirements.txt), or take another runtime: `runtime` in `serving:`",
  },
  {
    stages: ['load', 'ready', 'answer'],
    sign: /Invalid URI|No such file|FileNotFound|not found|no models? (found|available)|could not find|Could not open|does not exist|path .*doesn't exist|no version|NOT_FOUND|unknown model/i,
    cause:
      'the model server does not find the model: the file has another name or folder than it looks for, or /mnt/models is empty',
    fix: 'frameworks/README.md lists the file names that each runtime looks for; give the file its name with `files:` in models.yaml',
    race: true,
  },
  {
    stages: ['load', 'ready', 'answer'],
    sign: /Permission denied|Errno 13|EACCES|PermissionError/i,
    cause: 'the user that the model server runs as lacks a permission that the server needs',
    fix: 'its log names the file; on OpenShift a server image has to work as any user, which may write to few places (HOME=/tmp in `env` of `serving:` helps some)',
  },
];
