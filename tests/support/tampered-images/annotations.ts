import { editConfig, editIndex, editManifest, label, type Tampering } from './tampering.ts';

// biome-ignore format: a table
export const annotations: Tampering[] = [
  { rule: 'annotations', change: 'no revision on the index', message: /index has no annotation .*revision/, ...editIndex((own) => void Reflect.deleteProperty(own.annotations, label('revision'))) },
  { rule: 'annotations', change: 'no base digest on a manifest', message: /manifest has no annotation .*base\.digest/, ...editManifest((own) => void Reflect.deleteProperty(own.annotations, label('base.digest'))) },
  { rule: 'annotations', change: 'another revision on a manifest', message: /revision is r2 in its manifest, r1 in the index/, ...editManifest((own) => { own.annotations[label('revision')] = 'r2'; }) },
  { rule: 'annotations', change: 'another revision in the labels', message: /the label .*revision is r2, the annotation r1/, ...editConfig((own) => { own.config.Labels[label('revision')] = 'r2'; }) },
  { rule: 'annotations', change: 'another created time in the config', message: /annotated as created 1970-01-01T00:00:00Z, its config has 1999-/, ...editConfig((own) => {
    own.created = '1999-01-01T00:00:00Z';
    own.history = own.history.map(({ empty_layer }) => ({ ...(empty_layer && { empty_layer }) }));
  }) },

  { rule: 'base', change: 'another base than locked', message: /its base is sha256:b+, the lock pins sha256:c+/, options: { base: { 'linux/amd64': `sha256:${'c'.repeat(64)}` } } },
  { rule: 'base', change: 'a base that is not in the lock', message: /the lock pins no base/, options: { base: {} } },
  { rule: 'base', change: 'no digest', message: /base\.digest is "ubi", not a digest/, ...editManifest((own) => { own.annotations[label('base.digest')] = 'ubi'; }) },

  { rule: 'layer annotations', change: 'a list with another file', message: /files is wrong about models\/x/, draft: (draft) => void Object.assign(draft.model[0]?.annotations ?? {}, { 'dev.modelcars.layer.files': `[{"path":"models/x","size":0,"sha256":"${'0'.repeat(64)}"}]` }) },
  { rule: 'layer annotations', change: 'a list without the file', message: /files is wrong about models\/model\.joblib/, draft: (draft) => void Object.assign(draft.model[0]?.annotations ?? {}, { 'dev.modelcars.layer.files': '[]' }) },
  { rule: 'layer annotations', change: 'a list that is not JSON', message: /is not a valid list of files/, draft: (draft) => void Object.assign(draft.model[0]?.annotations ?? {}, { 'dev.modelcars.layer.files': '{' }) },
  { rule: 'layer annotations', change: 'another title', message: /its title is x, its files are models\/model\.joblib/, draft: (draft) => void Object.assign(draft.model[0]?.annotations ?? {}, { [label('title')]: 'x' }) },
];
