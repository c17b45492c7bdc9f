import { mediaTypes } from '../../scripts/image/types.ts';
import type { VerifyOptions } from '../../scripts/verify/verify.ts';
import { baseDigest, type Draft, files, hex, MemoryStore } from './draft-image.ts';
import { onnxWith, pointer, safetensors, safetensorsOf } from './model-files.ts';
import { directory, member, pax, type Spec } from './odd-tars.ts';

/** A way to make the true image lie. */
export interface Tampering {
  /** The rule that must catch it: all before it hold. */
  rule: string;
  lie: string;
  /** What the error says. */
  message: RegExp;
  /** What it says to do, where that is not to build again. */
  next?: RegExp;
  /** Under which the image is asked for; else its tag. */
  name?: string;
  draft?(draft: Draft): void;
  store?(store: MemoryStore): void;
  options?: Partial<VerifyOptions>;
}

/** The first member of a model layer whose name ends so; the model file by default. */
function find(draft: Draft, end = 'model.joblib'): Spec {
  const found = draft.model.flatMap((layer) => layer.members).find(({ name }) => name.endsWith(end));
  if (found === undefined) throw new Error(`no member ends with ${end}`);
  return found;
}

/** Takes a program out of the base. */
function drop(draft: Draft, end: string): void {
  for (const layer of draft.base) layer.members = layer.members.filter(({ name }) => !name.endsWith(end));
}

/** Changes the model file's member. */
function spoil(change: Partial<Spec>): Pick<Tampering, 'draft'> {
  return { draft: (draft) => void Object.assign(find(draft), change) };
}

/** Changes the model file's header after its checksum's other fields are written. */
function header(at: number, text: string): Pick<Tampering, 'draft'> {
  return spoil({ edit: (block) => void block.write(text, at, 'latin1') });
}

/** Adds a member to the first model layer, behind all others. */
function add(...specs: Spec[]): Pick<Tampering, 'draft'> {
  return { draft: (draft) => void draft.model[0]?.members.push(...specs) };
}

/** Adds members to the base's first layer. */
function addToBase(...specs: Spec[]): Pick<Tampering, 'draft'> {
  return { draft: (draft) => void draft.base[0]?.members.push(...specs) };
}

/** Replaces the bytes of the blob, or of the document, that `pick` chooses; its digest stays. */
function rewrite(
  pick: (text: string) => boolean,
  change: (bytes: Buffer) => Buffer,
): Pick<Tampering, 'store'> {
  return {
    store: (store) => {
      const found = [...store.blobs].find(([, bytes]) => pick(bytes.toString('latin1')));
      if (found === undefined) throw new Error('no blob to rewrite');
      store.blobs.set(found[0], change(found[1]));
    },
  };
}

/** Puts another file in the model file's place, as if it had been locked so. */
function standIn(path: string, content: string | Buffer): Pick<Tampering, 'draft' | 'options'> {
  const bytes = Buffer.from(content as Buffer);
  const [, ...others] = files;
  return {
    ...spoil({ name: `models/${path}`, content: bytes }),
    options: { files: [...others, { path, size: bytes.length, sha256: hex(bytes) }], served: [] },
  };
}

const label = (key: string) => `org.opencontainers.image.${key}`;
const isModelLayer = (text: string) => text.startsWith('models/') && text.includes('irises');
const flipLast = (bytes: Buffer) =>
  Buffer.concat([bytes.subarray(0, -1), Buffer.of((bytes.at(-1) ?? 0) ^ 1)]);
const text = (change: (text: string) => string, type: string): Pick<Tampering, 'draft'> => ({
  draft: (draft) => {
    draft.editText = (own, mediaType) => (mediaType === type ? change(own) : own);
  },
});
const config = (editConfig: Draft['editConfig']): Pick<Tampering, 'draft'> => ({
  draft: (draft) => void Object.assign(draft, { editConfig }),
});
const manifest = (editManifest: Draft['editManifest']): Pick<Tampering, 'draft'> => ({
  draft: (draft) => void Object.assign(draft, { editManifest }),
});
const index = (editIndex: Draft['editIndex']): Pick<Tampering, 'draft'> => ({
  draft: (draft) => void Object.assign(draft, { editIndex }),
});

// biome-ignore format: a table
export const tamperings: Tampering[] = [
  { rule: 'documents', lie: 'no image', message: /there is no such image/, store: (store) => store.tags.clear() },
  { rule: 'documents', lie: 'a single manifest', message: /contract says one index/, store: (store) => {
    const [tag, descriptor] = [...store.tags][0] ?? [];
    if (tag && descriptor) store.tags.set(tag, { ...descriptor, mediaType: mediaTypes.manifest });
  } },
  { rule: 'documents', lie: 'another index', message: /the index sha256:\w+ has the digest/, ...rewrite((own) => own.includes('"manifests"'), flipLast) },
  { rule: 'documents', lie: 'another manifest', message: /amd64\): the manifest .* has the digest/, ...rewrite((own) => own.includes('"layers":['), flipLast) },
  { rule: 'documents', lie: 'a longer config', message: /the config .* bytes, its descriptor states/, ...rewrite((own) => own.includes('"User"'), (bytes) => Buffer.concat([bytes, Buffer.of(32)])) },
  { rule: 'documents', lie: 'another image than its digest', message: /the store answers with another image, sha256:\w{64}$/, name: baseDigest, store: (store) => {
    for (const descriptor of store.tags.values()) store.tags.set(baseDigest, descriptor);
  } },
  { rule: 'documents', lie: 'a huge index', message: /at most 4194304 are read/, store: (store) => {
    for (const [tag, descriptor] of store.tags) store.tags.set(tag, { ...descriptor, size: 5_000_000 });
  } },
  { rule: 'documents', lie: 'an index that is no JSON', message: /is not JSON$/, ...text((own) => own.slice(1), mediaTypes.index) },
  { rule: 'documents', lie: 'a key twice', message: /holds a key twice/, ...text((own) => own.replace('"os":', '"os":"linux","os":'), mediaTypes.config) },
  { rule: 'documents', lie: 'a key in the spelling that only Go reads', message: /has the key entrypoint, that some read as Entrypoint/, ...config((own) => { own.config.entrypoint = ['/bin/true']; }) },
  { rule: 'documents', lie: 'a layer without size', message: /is malformed: layers\.0\.size is not of the type number/, ...manifest((own) => void Reflect.deleteProperty(own.layers[0] ?? {}, 'size')) },
  { rule: 'documents', lie: 'a Docker manifest', message: /contract says application\/vnd\.oci\.image\.manifest/, ...index((own) => void Object.assign(own.manifests[0] ?? {}, { mediaType: mediaTypes.dockerManifest })) },
  { rule: 'documents', lie: 'a Docker config', message: /contract says application\/vnd\.oci\.image\.config/, ...manifest((own) => { own.config.mediaType = mediaTypes.dockerConfig; }) },
  { rule: 'documents', lie: 'a manifest that calls itself otherwise', message: /its manifest calls itself/, ...manifest((own) => { own.mediaType = mediaTypes.index; }) },
  { rule: 'documents', lie: 'an entry without platform', message: /names no platform/, ...index((own) => void Reflect.deleteProperty(own.manifests[0] ?? {}, 'platform')) },

  { rule: 'platforms', lie: 'a config for another platform', message: /arm64\): its config is for linux\/s390x/, ...config((own) => { own.architecture = own.architecture.replace('arm64', 's390x'); }) },
  { rule: 'platforms', lie: 'a platform twice', message: /lists the platform twice/, ...index((own) => void own.manifests.push(...own.manifests.slice(0, 1))) },
  { rule: 'platforms', lie: 'a platform missing', message: /has no image for linux\/arm64, only for linux\/amd64/, draft: (draft) => void draft.platforms.pop() },

  { rule: 'media types', lie: "Docker's layer type", message: /the layer is application\/vnd\.docker/, ...manifest((own) => void Object.assign(own.layers[0] ?? {}, { mediaType: mediaTypes.dockerLayerGzip })) },
  { rule: 'media types', lie: 'two sizes for one layer', message: /\d bytes, elsewhere it is .* bytes/, ...manifest((own, platform) => void Object.assign(own.layers[0] ?? {}, platform === 'linux/arm64' ? { size: 1 } : {})) },

  { rule: 'layer count', lie: 'too many layers', message: /has 128 layers, overlayfs mounts 127/, ...manifest((own) => { own.layers = Array(128).fill(own.layers[0]); }) },
  { rule: 'layer count', lie: 'a diff_id too few', message: /has 5 layers and 4 diff_ids/, ...config((own) => void own.rootfs.diff_ids.pop()) },
  { rule: 'layer count', lie: 'another rootfs', message: /rootfs\.type is base/, ...config((own) => { own.rootfs.type = 'base'; }) },

  { rule: 'history', lie: 'a layer untold', message: /history tells of 4 layers, it has 5/, ...config((own) => void own.history.pop()) },
  { rule: 'user', lie: 'root', message: /the user is "0", the contract says "1001"/, next: /set `User` to 1001/, ...config((own) => { own.config.User = '0'; }) },
  { rule: 'user', lie: 'a group as well', message: /the user is "1001:0"/, ...config((own) => { own.config.User = '1001:0'; }) },
  { rule: 'user', lie: 'none', message: /the user is ""/, ...config((own) => void Reflect.deleteProperty(own.config, 'User')) },
  { rule: 'entrypoint', lie: 'an entrypoint', message: /has the entrypoint \["\/bin\/true"\]/, next: /take the ENTRYPOINT out/, ...config((own) => { own.config.Entrypoint = ['/bin/true']; }) },
  { rule: 'volumes', lie: 'a volume over the model', message: /declares the volume \/models/, ...config((own) => { own.config.Volumes = { '/models': {} }; }) },
  { rule: 'created', lie: 'another moment on a platform', message: /arm64\): created is 2026-.*, on linux\/amd64 it is 1970-/, ...config((own, platform) => { own.created = platform === 'linux/arm64' ? '2026-01-01T00:00:00Z' : own.created; }) },
  { rule: 'created', lie: 'none', message: /created is "", no RFC 3339 time/, ...config((own) => void Reflect.deleteProperty(own, 'created')) },
  { rule: 'created', lie: 'the clock in the history', message: /history of its last layer says 2026-/, ...config((own) => void own.history.push({ ...own.history.pop(), created: '2026-01-01T00:00:00Z' })) },

  { rule: 'annotations', lie: 'no revision on the index', message: /index has no annotation .*revision/, ...index((own) => void Reflect.deleteProperty(own.annotations, label('revision'))) },
  { rule: 'annotations', lie: 'no base digest on a manifest', message: /manifest has no annotation .*base\.digest/, ...manifest((own) => void Reflect.deleteProperty(own.annotations, label('base.digest'))) },
  { rule: 'annotations', lie: 'another revision on a manifest', message: /revision is r2 in its manifest, r1 in the index/, ...manifest((own) => { own.annotations[label('revision')] = 'r2'; }) },
  { rule: 'annotations', lie: 'another revision in the labels', message: /the label .*revision is r2, the annotation r1/, ...config((own) => { own.config.Labels[label('revision')] = 'r2'; }) },
  { rule: 'annotations', lie: 'another moment', message: /annotated as created 1970-01-01T00:00:00Z, its config says 1999-/, ...config((own) => {
    own.created = '1999-01-01T00:00:00Z';
    own.history = own.history.map(({ empty_layer }) => ({ ...(empty_layer && { empty_layer }) }));
  }) },

  { rule: 'base', lie: 'another base than locked', message: /its base is sha256:b+, the lock pins sha256:c+/, options: { base: { 'linux/amd64': `sha256:${'c'.repeat(64)}` } } },
  { rule: 'base', lie: 'a base that the lock does not know', message: /the lock pins no base/, options: { base: {} } },
  { rule: 'documents', lie: 'a base that cannot be read', message: /the base sha256:b+ cannot be read/, options: { baseStore: new MemoryStore() } },
  { rule: 'base', lie: 'no digest', message: /base\.digest is "ubi", no digest/, ...manifest((own) => { own.annotations[label('base.digest')] = 'ubi'; }) },

  { rule: 'blobs', lie: 'a changed byte', message: /the blob has the digest sha256:.* \(layer sha256:\w{12}\)$/, ...rewrite(isModelLayer, flipLast) },
  { rule: 'blobs', lie: 'a changed byte in a header: told as a wrong digest', message: /the blob has the digest/, ...rewrite(isModelLayer, (bytes) => Buffer.concat([Buffer.from('x'), bytes.subarray(1)])) },
  { rule: 'blobs', lie: 'a cut blob', message: /the blob has \d+ bytes, its manifest states \d+/, ...rewrite(isModelLayer, (bytes) => bytes.subarray(0, 600)) },
  { rule: 'blobs', lie: 'a blob with more behind', message: /the blob has more than the \d+ bytes/, ...rewrite(isModelLayer, (bytes) => Buffer.concat([bytes, Buffer.alloc(512)])) },
  { rule: 'blobs', lie: 'a layer that is no gzip', message: /the blob is not gzip/, ...manifest((own) => void Object.assign(own.layers[2] ?? {}, { mediaType: mediaTypes.layerGzip })) },
  { rule: 'blobs', lie: 'a wrong checksum in a header', message: /a header has the checksum/, draft: (draft) => {
    const [first] = draft.model;
    if (first) first.end = Buffer.concat([member({ name: 'models/x' }).fill(1, 0, 1), Buffer.alloc(1024)]);
  } },
  { rule: 'blobs', lie: 'a tar that ends within a member', message: /ends in the middle of a member/, draft: (draft) => {
    const [first] = draft.model;
    if (first) first.end = member({ name: 'models/x', content: 'x'.repeat(600) }).subarray(0, 700);
  } },

  { rule: 'diff_ids', lie: 'a wrong diff_id', message: /uncompressed it has the digest .*, the config says sha256:0+/, ...config((own) => { own.rootfs.diff_ids[2] = `sha256:${'0'.repeat(64)}`; }) },

  { rule: 'base apart', lie: 'a base with /models', message: /holds \/models and more \(\.\/bin\)/, ...addToBase(directory('models/')) },
  { rule: 'base apart', lie: 'a base whose /models is a link', message: /holds \/models and more/, ...addToBase({ name: 'models', type: '2', link: '/tmp' }) },
  { rule: 'base apart', lie: 'a base that hides /models', message: /holds \/models and more/, ...addToBase({ name: '.wh.models' }) },
  { rule: 'base apart', lie: 'a base that hides everything', message: /holds \/models and more/, ...addToBase({ name: '.wh..wh..opq' }) },
  { rule: 'base apart', lie: 'a base that gives a model file a second name', message: /holds \/models and more/, ...addToBase({ name: 'etc/x', type: '1', link: '/models/model.joblib' }) },
  { rule: 'base apart', lie: 'a base that reaches /models through a link', message: /srv\/x: comes to lie at \/models\/x through a link/, ...addToBase({ name: 'srv', type: '2', link: 'usr/../models' }, { name: 'srv/x' }) },
  { rule: 'base apart', lie: 'a PAX path into /models', message: /holds \/models and more/, ...addToBase({ name: 'etc/x', before: pax('path', 'models/x') }) },
  { rule: 'base apart', lie: 'another file beside the model', message: /holds \/models and more \(etc\/passwd\)/, ...add({ name: 'etc/passwd' }) },
  { rule: 'base apart', lie: 'a file beside the model by way of ..', message: /holds \/models and more \(models\/\.\.\/etc\/passwd\)/, ...add({ name: 'models/../etc/passwd' }) },
  { rule: 'base apart', lie: 'a base layer over the model', message: /lies over model layers/, draft: (draft) => void draft.model.push(...draft.base.splice(1, 1)) },

  { rule: 'shared layers', lie: 'the layers in another order', message: /arm64\): its model layers are not those of linux\/amd64/, draft: (draft) => {
    draft.editManifest = (own, platform) => void (platform === 'linux/arm64' && own.layers.push(...own.layers.splice(2, 1)));
    draft.editConfig = (own, platform) => void (platform === 'linux/arm64' && own.rootfs.diff_ids.push(...own.rootfs.diff_ids.splice(2, 1)));
  } },

  { rule: 'tar format', lie: 'a PAX header', message: /model\.joblib: has a PAX header/, ...spoil({ before: pax('comment', 'x') }) },
  { rule: 'tar format', lie: 'a global PAX header', message: /model\.joblib: has a PAX header/, ...spoil({ before: member({ name: 'x', type: 'g', content: '13 comment=x\n' }) }) },
  { rule: 'tar format', lie: 'ustar', message: /model\.joblib: is in the ustar tar format/, ...header(257, 'ustar\x0000') },
  { rule: 'tar format', lie: 'the old format', message: /is in the old tar format/, ...header(257, '\0\0\0\0\0\0\0\0') },
  { rule: 'tar format', lie: 'the old type flag', message: /has the old type flag/, ...header(156, '\0') },
  { rule: 'tar format', lie: 'bytes behind the name', message: /hidden behind its name/, ...header(60, 'evil') },
  { rule: 'tar format', lie: 'a link target on a file', message: /has a link target/, ...header(157, '/etc/passwd') },
  { rule: 'tar format', lie: 'bytes behind the owner', message: /hidden behind its owner names/, ...header(270, 'evil') },
  { rule: 'tar format', lie: 'a device number', message: /has a device number/, ...header(329, '0000001\0') },
  { rule: 'tar format', lie: 'an access time', message: /has GNU extras/, ...header(345, '14000000000\0') },
  { rule: 'tar format', lie: 'bytes behind the content', message: /hidden behind its content/, ...spoil({ fill: 1 }) },
  { rule: 'tar format', lie: 'bytes behind the end', message: /the tar has bytes after its end/, draft: (draft) => {
    const [first] = draft.model;
    if (first) first.end = Buffer.concat([Buffer.alloc(1024), member({ name: 'models/x' })]);
  } },
  { rule: 'tar format', lie: 'a PAX header at the end', message: /the tar has a PAX header/, draft: (draft) => {
    const [first] = draft.model;
    if (first) first.end = Buffer.concat([member({ name: 'x', type: 'g', content: '13 comment=x\n' }), Buffer.alloc(1024)]);
  } },
  { rule: 'tar format', lie: 'a directory with a size', message: /models\/: is a directory with the size 8/, draft: (draft) => {
    const [first] = draft.model[0]?.members ?? [];
    if (first) first.edit = (block) => void block.write('00000000010\0', 124);
  } },
  { rule: 'tar format', lie: 'no end', message: /the tar does not end with two blocks of zeros/, draft: (draft) => {
    const [first] = draft.model;
    if (first) first.end = Buffer.alloc(0);
  } },
  { rule: 'tar format', lie: 'a name that is not UTF-8', message: /is not UTF-8/, ...header(7, '\xff') },
  { rule: 'tar format', lie: 'a long name with another short one', message: /two different names/, draft: (draft) => {
    find(draft, '.bin').edit = (block) => void block.write('models/x', 0);
  } },

  ...['./models/model.joblib', '/models/model.joblib', 'models//model.joblib', 'models/./model.joblib', 'models/x/../model.joblib', 'models/model.joblib/'].map((name): Tampering => (
    { rule: 'names', lie: name, message: /the name is not plain, it should be models\/model\.joblib/, ...spoil({ name }) })),
  { rule: 'names', lie: 'the root in a model layer', message: /\.\/: lies outside models\//, draft: (draft) => void draft.model[0]?.members.unshift(directory('./')) },
  { rule: 'names', lie: 'a terminal escape', message: /x\\u\{1b\}\[2J\/: the name is not plain/, ...add(directory('models/./x\x1b[2J/')) },
  { rule: 'whiteouts', lie: 'a whiteout', message: /models\/\.wh\.README\.md: is a whiteout/, ...add({ name: 'models/.wh.README.md' }) },
  { rule: 'whiteouts', lie: 'an opaque whiteout', message: /is a whiteout/, ...add({ name: 'models/.wh..wh..opq' }) },
  ...([['1', 'hard link', 'models/model.joblib'], ['2', 'symbolic link', '/etc/passwd'], ['3', 'character device', ''], ['6', 'fifo', ''], ['V', 'member of type "V"', '']] as const).map(([type, kind, link]): Tampering => (
    { rule: 'types', lie: kind, message: new RegExp(`models/x: is a ${kind}`), ...add({ name: 'models/x', type, link }) })),
  { rule: 'blobs', lie: 'a sparse member', message: /a member is sparse/, ...add({ name: 'models/x', type: 'S' }) },
  { rule: 'types', lie: '/models as a link', message: /models: is a symbolic link/, draft: (draft) => void draft.model.unshift({ compression: 'none', members: [{ name: 'models', type: '2', link: 'tmp' }] }) },
  { rule: 'owner', lie: 'root', message: /owner is 0:0, the contract says 1001:0/, next: /chown it to 1001:0/, ...spoil({ uid: 0 }) },
  { rule: 'owner', lie: 'another group', message: /owner is 1001:1001/, ...spoil({ gid: 1001 }) },
  { rule: 'owner', lie: "a user's name", message: /has the owner's name mallory/, ...spoil({ uname: 'mallory' }) },
  { rule: 'owner', lie: "a folder of root's that only root may enter", message: /models\/deep\/: owner is 0:0/, next: /chown it to 1001:0/, draft: (draft) => void Object.assign(find(draft, 'deep/'), { uid: 0, mode: 0o700 }) },
  { rule: 'modes', lie: '0644', message: /^verify iris:v1 \(linux\/amd64\): models\/model\.joblib: mode is 0644, the contract says 0444 \(layer sha256:\w{12}\)$/, ...spoil({ mode: 0o644 }) },
  { rule: 'modes', lie: '0400', message: /mode is 0400/, next: /chmod it to 0444, so that whoever the pod runs as can read it/, ...spoil({ mode: 0o400 }) },
  { rule: 'modes', lie: 'set-user-ID', message: /mode is 4444/, ...spoil({ mode: 0o4444 }) },
  { rule: 'modes', lie: 'a directory 0755', message: /models\/deep\/: mode is 0755, the contract says 0555/, draft: (draft) => { find(draft, 'deep/').mode = 0o755; } },
  { rule: 'modes', lie: 'a folder that only its owner may enter', message: /models\/deep\/: mode is 0700/, next: /chmod it to 0555/, draft: (draft) => { find(draft, 'deep/').mode = 0o700; } },
  { rule: 'times', lie: 'the clock', message: /time is 1700000000, that of the image is 0/, ...spoil({ mtime: 1_700_000_000 }) },
  { rule: 'order', lie: 'a file before its directory', message: /models\/: comes after models\/model\.joblib/, draft: (draft) => void draft.model[0]?.members.reverse() },
  { rule: 'order', lie: 'a file twice', message: /model\.joblib: is in the layer twice/, draft: (draft) => void draft.model[0]?.members.push(find(draft)) },
  { rule: 'shadows', lie: 'a file in two layers', message: /model\.joblib: is in an earlier layer too/, draft: (draft) => void draft.model[2]?.members.push({ ...find(draft), content: 'evil' }) },
  { rule: 'shadows', lie: 'a directory over a file', message: /model\.joblib: is in an earlier layer too/, draft: (draft) => void draft.model[2]?.members.push(directory('models/model.joblib')) },
  { rule: 'parents', lie: 'no member for a directory', message: /its directory models\/deep has no member/, draft: (draft) => void draft.model[1]?.members.splice(1, 1) },

  { rule: 'files', lie: 'another file', message: /models\/x: is not in the lock/, ...add({ name: 'models/x' }) },
  { rule: 'files', lie: 'a directory too many', message: /models\/x\/: is a directory without any locked file/, ...add(directory('models/x/')) },
  { rule: 'files', lie: 'a file missing', message: /models\/README\.md is missing/, draft: (draft) => void draft.model.pop() },
  { rule: 'files', lie: 'nothing in /models', message: /model\.joblib is missing, the lock has it/, next: /build again/, draft: (draft) => void Object.assign(draft, { model: [{ members: [directory('models/')], compression: 'none' }] }) },
  { rule: 'files', lie: 'no /models', message: /model\.joblib is missing, the lock has it/, next: /build again/, draft: (draft) => { draft.model = []; } },
  { rule: 'files', lie: 'other bytes', message: /model\.joblib: has the sha256 \w+, the lock says \w+/, draft: (draft) => {
    const { content = '' } = find(draft);
    find(draft).content = Buffer.from(content.toString().replace('irises', 'Irises'));
  } },
  { rule: 'files', lie: 'other bytes than locked', message: /has the sha256/, options: { files: files.map((file) => ({ ...file, sha256: '0'.repeat(64) })) } },
  { rule: 'files', lie: 'fewer bytes', message: /model\.joblib: has 4 bytes, the lock says 1620/, ...spoil({ content: 'evil' }) },

  { rule: 'served', lie: 'a name that the server does not look for', message: /no file under models\/ is called model\.bst or \*\.ubj, there is model\.joblib, deep\/.*: XGBoost opens no other$/, next: /`files: \{model\.bst: …\}`/, options: { served: [{ anyOf: ['model.*'], why: 'there' }, { anyOf: ['model.bst', '*.ubj'], why: 'XGBoost opens no other' }] } },

  { rule: 'whole', lie: 'a Git LFS pointer', message: /models\/model\.pkl: is a Git LFS pointer, not the file/, next: /run `modelcars lock`/, ...standIn('model.pkl', pointer) },
  { rule: 'whole', lie: 'a web page', message: /models\/model\.bin: is a web page, not the file/, ...standIn('model.bin', `<!doctype html>${' '.repeat(5000)}`) },
  { rule: 'whole', lie: 'empty weights', message: /models\/model\.gguf: is empty/, ...standIn('model.gguf', '') },
  { rule: 'whole', lie: 'nothing in the file that the server looks for', message: /models\/model\.xyz: is empty/, ...standIn('model.xyz', ''), options: { ...standIn('model.xyz', '').options, served: [{ anyOf: ['model.*'], why: 'it looks for no other' }] } },
  { rule: 'whole', lie: 'safetensors that are cut', message: /models\/x\.safetensors: is cut: its tensors need 5000 bytes, after its header it has 4999/, ...standIn('x.safetensors', safetensors(Buffer.alloc(5000)).subarray(0, -1)) },
  { rule: 'whole', lie: 'a hole in safetensors', message: /models\/x\.safetensors: is damaged: bytes 0 to 9 of its data belong to no tensor/, ...standIn('x.safetensors', safetensorsOf({}, 10)) },
  { rule: 'whole', lie: 'a shard missing', message: /models\/m\.bin\.index\.json: names `m-1\.bin` as a shard, but the file is missing/, ...standIn('m.bin.index.json', '{"weight_map":{"a":"m-1.bin"}}') },
  { rule: 'whole', lie: 'a part missing', message: /models\/m-00002-of-00002\.gguf: is one of 2 parts, of which one is missing: m-00001-of-00002\.gguf/, ...standIn('m-00002-of-00002.gguf', 'GGUF') },
  { rule: 'whole', lie: 'external data missing', message: /models\/m\.onnx: names `w\.data` as external data, but the file is missing/, ...standIn('m.onnx', onnxWith('w.data')) },
  { rule: 'whole', lie: 'external data elsewhere', message: /models\/m\.onnx: names `\.\.\/etc\/passwd` as external data, which leads out/, ...standIn('m.onnx', onnxWith('../etc/passwd')) },

  { rule: 'layer annotations', lie: 'a list with another file', message: /files is wrong about models\/x/, draft: (draft) => void Object.assign(draft.model[0]?.annotations ?? {}, { 'dev.modelcars.layer.files': `[{"path":"models/x","size":0,"sha256":"${'0'.repeat(64)}"}]` }) },
  { rule: 'layer annotations', lie: 'a list without the file', message: /files is wrong about models\/model\.joblib/, draft: (draft) => void Object.assign(draft.model[0]?.annotations ?? {}, { 'dev.modelcars.layer.files': '[]' }) },
  { rule: 'layer annotations', lie: 'a list that is none', message: /is not the JSON it should be/, draft: (draft) => void Object.assign(draft.model[0]?.annotations ?? {}, { 'dev.modelcars.layer.files': '{' }) },
  { rule: 'layer annotations', lie: 'another title', message: /its title is x, its files are models\/model\.joblib/, draft: (draft) => void Object.assign(draft.model[0]?.annotations ?? {}, { [label('title')]: 'x' }) },

  { rule: 'tools', lie: 'no shell', message: /the base has no `sh` /, next: /set `base: embedded` or another base with a shell/, draft: (draft) => drop(draft, 'bash') },
  { rule: 'tools', lie: 'no ln', message: /the base has no `ln` /, next: /base with a shell and coreutils/, draft: (draft) => drop(draft, '/ln') },
  { rule: 'tools', lie: 'no ls', message: /the base has no `ls` /, next: /base with a shell and coreutils/, draft: (draft) => drop(draft, '/ls') },
  { rule: 'tools', lie: 'no mkdir', message: /the base has no `mkdir` /, next: /base with a shell and coreutils/, draft: (draft) => drop(draft, '/mkdir') },
  { rule: 'tools', lie: 'no sleep', message: /the base has no `sleep` .*KServe's oci:\/\/ sidecar cannot run/, draft: (draft) => void draft.base[1]?.members.splice(2, 1) },
  { rule: 'tools', lie: 'a shell that only root can run', message: /the base has no `sh`/, draft: (draft) => void Object.assign(draft.base[0]?.members.find(({ name }) => name.endsWith('bash')) ?? {}, { mode: 0o700 }) },
  { rule: 'tools', lie: 'a link that leads nowhere', message: /the base has no `sh`/, draft: (draft) => void Object.assign(draft.base[0]?.members.find(({ name }) => name.endsWith('sh') && !name.endsWith('bash')) ?? {}, { link: 'dash' }) },
  { rule: 'tools', lie: 'a tool taken away by a whiteout', message: /the base has no `ls`/, draft: (draft) => void draft.base[1]?.members.push({ name: 'usr/bin/.wh.ls' }) },
  { rule: 'tools', lie: 'another PATH', message: /no `sh` that any user can run on \/opt/, ...config((own) => { own.config.Env = ['PATH=/opt']; }) },
  { rule: 'tools', lie: 'no base at all', message: /the base has no `sh`/, draft: (draft) => { draft.base = []; } },
];
