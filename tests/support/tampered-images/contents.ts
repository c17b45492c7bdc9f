/** Tampered images that the rules on the contents of layers must reject (scripts/verify/rules/contents.ts). */
import { mediaTypes } from '../../../scripts/image/types.ts';
import { files } from '../draft-image.ts';
import { directory, member, pax } from '../odd-tars.ts';
import {
  addMembers,
  addToBase,
  changeFile,
  editConfig,
  editManifest,
  findMember,
  flipLast,
  isModelLayer,
  removeFromBase,
  rewriteBlob,
  type Tampering,
} from './tampering.ts';

// biome-ignore format: a table
export const contents: Tampering[] = [
  { rule: 'blobs', change: 'a changed byte', message: /the blob has the digest sha256:.* \(layer sha256:\w{12}\)$/, ...rewriteBlob(isModelLayer, flipLast) },
  { rule: 'blobs', change: 'a changed byte in a header, reported as a wrong digest', message: /the blob has the digest/, ...rewriteBlob(isModelLayer, (bytes) => Buffer.concat([Buffer.from('x'), bytes.subarray(1)])) },
  { rule: 'blobs', change: 'a cut blob', message: /the blob has \d+ bytes, its manifest states \d+/, ...rewriteBlob(isModelLayer, (bytes) => bytes.subarray(0, 600)) },
  { rule: 'blobs', change: 'a blob longer than stated', message: /the blob has more than the \d+ bytes/, ...rewriteBlob(isModelLayer, (bytes) => Buffer.concat([bytes, Buffer.alloc(512)])) },
  { rule: 'blobs', change: 'a gzip layer that is not gzip', message: /the blob is not gzip/, ...editManifest((own) => void Object.assign(own.layers[2] ?? {}, { mediaType: mediaTypes.layerGzip })) },
  { rule: 'blobs', change: 'a wrong checksum in a header', message: /a header has the checksum/, draft: (draft) => {
    const [first] = draft.model;
    if (first) first.end = Buffer.concat([member({ name: 'models/x' }).fill(1, 0, 1), Buffer.alloc(1024)]);
  } },
  { rule: 'blobs', change: 'a tar that ends within a member', message: /ends in the middle of a member/, draft: (draft) => {
    const [first] = draft.model;
    if (first) first.end = member({ name: 'models/x', content: 'x'.repeat(600) }).subarray(0, 700);
  } },
  { rule: 'blobs', change: 'a sparse member', message: /a member is sparse/, ...addMembers({ name: 'models/x', type: 'S' }) },

  { rule: 'diff_ids', change: 'a wrong diff_id', message: /uncompressed it has the digest .*, the config has sha256:0+/, ...editConfig((own) => { own.rootfs.diff_ids[2] = `sha256:${'0'.repeat(64)}`; }) },

  { rule: 'base apart', change: 'a base with /models', message: /holds \/models and more \(\.\/bin\)/, ...addToBase(directory('models/')) },
  { rule: 'base apart', change: 'a base whose /models is a link', message: /holds \/models and more/, ...addToBase({ name: 'models', type: '2', link: '/tmp' }) },
  { rule: 'base apart', change: 'a base that hides /models', message: /holds \/models and more/, ...addToBase({ name: '.wh.models' }) },
  { rule: 'base apart', change: 'a base that hides everything', message: /holds \/models and more/, ...addToBase({ name: '.wh..wh..opq' }) },
  { rule: 'base apart', change: 'a base that gives a model file a second name', message: /holds \/models and more/, ...addToBase({ name: 'etc/x', type: '1', link: '/models/model.joblib' }) },
  { rule: 'base apart', change: 'a base with a file in /models through a link', message: /srv\/x: ends up at \/models\/x through a link/, ...addToBase({ name: 'srv', type: '2', link: 'usr/../models' }, { name: 'srv/x' }) },
  { rule: 'base apart', change: 'a PAX path into /models', message: /holds \/models and more/, ...addToBase({ name: 'etc/x', before: pax('path', 'models/x') }) },
  { rule: 'base apart', change: 'a file outside of /models', message: /holds \/models and more \(etc\/passwd\)/, ...addMembers({ name: 'etc/passwd' }) },
  { rule: 'base apart', change: 'a file outside of /models through ..', message: /holds \/models and more \(models\/\.\.\/etc\/passwd\)/, ...addMembers({ name: 'models/../etc/passwd' }) },
  { rule: 'base apart', change: 'a base layer over the model', message: /is above the model layers/, draft: (draft) => void draft.model.push(...draft.base.splice(1, 1)) },

  { rule: 'shared layers', change: 'the layers in another order', message: /arm64\): its model layers differ from those of linux\/amd64/, draft: (draft) => {
    draft.editManifest = (own, platform) => void (platform === 'linux/arm64' && own.layers.push(...own.layers.splice(2, 1)));
    draft.editConfig = (own, platform) => void (platform === 'linux/arm64' && own.rootfs.diff_ids.push(...own.rootfs.diff_ids.splice(2, 1)));
  } },

  { rule: 'files', change: 'another file', message: /models\/x: is not in the lock/, ...addMembers({ name: 'models/x' }) },
  { rule: 'files', change: 'a directory without files', message: /models\/x\/: is a directory without any locked file/, ...addMembers(directory('models/x/')) },
  { rule: 'files', change: 'a file missing', message: /models\/README\.md is missing/, draft: (draft) => void draft.model.pop() },
  { rule: 'files', change: 'nothing in /models', message: /model\.joblib is missing, the lock has it/, next: /build again/, draft: (draft) => void Object.assign(draft, { model: [{ members: [directory('models/')], compression: 'none' }] }) },
  { rule: 'files', change: 'no /models', message: /model\.joblib is missing, the lock has it/, next: /build again/, draft: (draft) => { draft.model = []; } },
  { rule: 'files', change: 'other bytes', message: /model\.joblib: has the sha256 \w+, the lock has \w+/, draft: (draft) => {
    const { content = '' } = findMember(draft);
    findMember(draft).content = Buffer.from(content.toString().replace('irises', 'Irises'));
  } },
  { rule: 'files', change: 'other bytes than locked', message: /has the sha256/, options: { files: files.map((file) => ({ ...file, sha256: '0'.repeat(64) })) } },
  { rule: 'files', change: 'fewer bytes', message: /model\.joblib: has 4 bytes, the lock has 1620/, ...changeFile({ content: 'evil' }) },

  { rule: 'served', change: 'a file name that the server does not look for', message: /no file under models\/ is named model\.bst or \*\.ubj \(found: model\.joblib, deep\/.*\): XGBoost opens no other$/, next: /`files: \{model\.bst: …\}`/, options: { served: [{ anyOf: ['model.*'], why: 'there' }, { anyOf: ['model.bst', '*.ubj'], why: 'XGBoost opens no other' }] } },

  { rule: 'tools', change: 'no shell', message: /the base has no `sh` /, next: /set `base: embedded` or another base with a shell/, draft: (draft) => removeFromBase(draft, 'bash') },
  { rule: 'tools', change: 'no ln', message: /the base has no `ln` /, next: /base with a shell and coreutils/, draft: (draft) => removeFromBase(draft, '/ln') },
  { rule: 'tools', change: 'no ls', message: /the base has no `ls` /, next: /base with a shell and coreutils/, draft: (draft) => removeFromBase(draft, '/ls') },
  { rule: 'tools', change: 'no mkdir', message: /the base has no `mkdir` /, next: /base with a shell and coreutils/, draft: (draft) => removeFromBase(draft, '/mkdir') },
  { rule: 'tools', change: 'no sleep', message: /the base has no `sleep` .*KServe's oci:\/\/ sidecar cannot run/, draft: (draft) => void draft.base[1]?.members.splice(2, 1) },
  { rule: 'tools', change: 'a shell that only root can run', message: /the base has no `sh`/, draft: (draft) => void Object.assign(draft.base[0]?.members.find(({ name }) => name.endsWith('bash')) ?? {}, { mode: 0o700 }) },
  { rule: 'tools', change: 'a dangling link', message: /the base has no `sh`/, draft: (draft) => void Object.assign(draft.base[0]?.members.find(({ name }) => name.endsWith('sh') && !name.endsWith('bash')) ?? {}, { link: 'dash' }) },
  { rule: 'tools', change: 'a tool taken away by a whiteout', message: /the base has no `ls`/, draft: (draft) => void draft.base[1]?.members.push({ name: 'usr/bin/.wh.ls' }) },
  { rule: 'tools', change: 'another PATH', message: /no `sh` that any user can run on \/opt/, ...editConfig((own) => { own.config.Env = ['PATH=/opt']; }) },
  { rule: 'tools', change: 'no base at all', message: /the base has no `sh`/, draft: (draft) => { draft.base = []; } },
];
