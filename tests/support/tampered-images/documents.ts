/** Tampered images that the rules on index, manifests and configs must reject (scripts/verify/rules/documents.ts). */
import { mediaTypes } from '../../../scripts/image/types.ts';
import { baseDigest, MemoryStore } from '../draft-image.ts';
import {
  editConfig,
  editIndex,
  editManifest,
  editText,
  flipLast,
  rewriteBlob,
  type Tampering,
} from './tampering.ts';

// biome-ignore format: a table
export const documents: Tampering[] = [
  { rule: 'documents', change: 'no image', message: /image not found/, store: (store) => store.tags.clear() },
  { rule: 'documents', change: 'a single manifest', message: /contract requires one index/, store: (store) => {
    const [tag, descriptor] = [...store.tags][0] ?? [];
    if (tag && descriptor) store.tags.set(tag, { ...descriptor, mediaType: mediaTypes.manifest });
  } },
  { rule: 'documents', change: 'another index', message: /the index sha256:\w+ has the digest/, ...rewriteBlob((own) => own.includes('"manifests"'), flipLast) },
  { rule: 'documents', change: 'another manifest', message: /amd64\): the manifest .* has the digest/, ...rewriteBlob((own) => own.includes('"layers":['), flipLast) },
  { rule: 'documents', change: 'a longer config', message: /the config .* bytes, its descriptor states/, ...rewriteBlob((own) => own.includes('"User"'), (bytes) => Buffer.concat([bytes, Buffer.of(32)])) },
  { rule: 'documents', change: 'an image under the digest of another', message: /the store returned a different image, sha256:\w{64}$/, name: baseDigest, store: (store) => {
    for (const descriptor of store.tags.values()) store.tags.set(baseDigest, descriptor);
  } },
  { rule: 'documents', change: 'a huge index', message: /at most 4194304 are read/, store: (store) => {
    for (const [tag, descriptor] of store.tags) store.tags.set(tag, { ...descriptor, size: 5_000_000 });
  } },
  { rule: 'documents', change: 'an index that is not JSON', message: /is not JSON$/, ...editText((own) => own.slice(1), mediaTypes.index) },
  { rule: 'documents', change: 'a key twice', message: /has a duplicate key/, ...editText((own) => own.replace('"os":', '"os":"linux","os":'), mediaTypes.config) },
  { rule: 'documents', change: 'a key in a case that only Go accepts', message: /has the key entrypoint, that some read as Entrypoint/, ...editConfig((own) => { own.config.entrypoint = ['/bin/true']; }) },
  { rule: 'documents', change: 'a layer without size', message: /is malformed: layers\.0\.size is not of the type number/, ...editManifest((own) => void Reflect.deleteProperty(own.layers[0] ?? {}, 'size')) },
  { rule: 'documents', change: 'a Docker manifest', message: /contract requires application\/vnd\.oci\.image\.manifest/, ...editIndex((own) => void Object.assign(own.manifests[0] ?? {}, { mediaType: mediaTypes.dockerManifest })) },
  { rule: 'documents', change: 'a Docker config', message: /contract requires application\/vnd\.oci\.image\.config/, ...editManifest((own) => { own.config.mediaType = mediaTypes.dockerConfig; }) },
  { rule: 'documents', change: 'a manifest whose own mediaType is that of an index', message: /its manifest has media type/, ...editManifest((own) => { own.mediaType = mediaTypes.index; }) },
  { rule: 'documents', change: 'an entry without platform', message: /names no platform/, ...editIndex((own) => void Reflect.deleteProperty(own.manifests[0] ?? {}, 'platform')) },
  { rule: 'documents', change: 'a base that cannot be read', message: /the base sha256:b+ cannot be read/, options: { baseStore: new MemoryStore() } },

  { rule: 'platforms', change: 'a config for another platform', message: /arm64\): its config is for linux\/s390x/, ...editConfig((own) => { own.architecture = own.architecture.replace('arm64', 's390x'); }) },
  { rule: 'platforms', change: 'a platform twice', message: /lists the platform twice/, ...editIndex((own) => void own.manifests.push(...own.manifests.slice(0, 1))) },
  { rule: 'platforms', change: 'a platform missing', message: /has no image for linux\/arm64, only for linux\/amd64/, draft: (draft) => void draft.platforms.pop() },

  { rule: 'media types', change: "Docker's layer type", message: /the layer is application\/vnd\.docker/, ...editManifest((own) => void Object.assign(own.layers[0] ?? {}, { mediaType: mediaTypes.dockerLayerGzip })) },
  { rule: 'media types', change: 'two sizes for one layer', message: /\d bytes, elsewhere it is .* bytes/, ...editManifest((own, platform) => void Object.assign(own.layers[0] ?? {}, platform === 'linux/arm64' ? { size: 1 } : {})) },

  { rule: 'layer count', change: 'too many layers', message: /has 128 layers, overlayfs mounts 127/, ...editManifest((own) => { own.layers = Array(128).fill(own.layers[0]); }) },
  { rule: 'layer count', change: 'one diff_id too few', message: /has 5 layers and 4 diff_ids/, ...editConfig((own) => void own.rootfs.diff_ids.pop()) },
  { rule: 'layer count', change: 'another rootfs', message: /rootfs\.type is base/, ...editConfig((own) => { own.rootfs.type = 'base'; }) },

  { rule: 'history', change: 'a layer without a history entry', message: /history covers 4 layers, it has 5/, ...editConfig((own) => void own.history.pop()) },

  { rule: 'user', change: 'root', message: /the user is "0", the contract requires "1001"/, next: /set `User` to 1001/, ...editConfig((own) => { own.config.User = '0'; }) },
  { rule: 'user', change: 'a group as well', message: /the user is "1001:0"/, ...editConfig((own) => { own.config.User = '1001:0'; }) },
  { rule: 'user', change: 'none', message: /the user is ""/, ...editConfig((own) => void Reflect.deleteProperty(own.config, 'User')) },

  { rule: 'entrypoint', change: 'an entrypoint', message: /has the entrypoint \["\/bin\/true"\]/, next: /remove the ENTRYPOINT/, ...editConfig((own) => { own.config.Entrypoint = ['/bin/true']; }) },

  { rule: 'volumes', change: 'a volume over the model', message: /declares the volume \/models/, ...editConfig((own) => { own.config.Volumes = { '/models': {} }; }) },

  { rule: 'created', change: 'another created time on one platform', message: /arm64\): created is 2026-.*, on linux\/amd64 it is 1970-/, ...editConfig((own, platform) => { own.created = platform === 'linux/arm64' ? '2026-01-01T00:00:00Z' : own.created; }) },
  { rule: 'created', change: 'none', message: /created is "", not an RFC 3339 time/, ...editConfig((own) => void Reflect.deleteProperty(own, 'created')) },
  { rule: 'created', change: 'the current time in the history', message: /history of its last layer has 2026-/, ...editConfig((own) => void own.history.push({ ...own.history.pop(), created: '2026-01-01T00:00:00Z' })) },
];
