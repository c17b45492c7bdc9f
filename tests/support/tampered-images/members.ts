/** Tampered images that the rules on the members of a layer must reject (scripts/verify/rules/members.ts). */
import { directory, member, pax } from '../odd-tars.ts';
import { addMembers, changeFile, changeHeader, findMember, type Tampering } from './tampering.ts';

// biome-ignore format: a table
export const members: Tampering[] = [
  { rule: 'tar format', change: 'a PAX header', message: /model\.joblib: has a PAX header/, ...changeFile({ before: pax('comment', 'x') }) },
  { rule: 'tar format', change: 'a global PAX header', message: /model\.joblib: has a PAX header/, ...changeFile({ before: member({ name: 'x', type: 'g', content: '13 comment=x\n' }) }) },
  { rule: 'tar format', change: 'ustar', message: /model\.joblib: is in the ustar tar format/, ...changeHeader(257, 'ustar\x0000') },
  { rule: 'tar format', change: 'the old format', message: /is in the old tar format/, ...changeHeader(257, '\0\0\0\0\0\0\0\0') },
  { rule: 'tar format', change: 'the old type flag', message: /has the old type flag/, ...changeHeader(156, '\0') },
  { rule: 'tar format', change: 'bytes behind the name', message: /hidden behind its name/, ...changeHeader(60, 'evil') },
  { rule: 'tar format', change: 'a link target on a file', message: /has a link target/, ...changeHeader(157, '/etc/passwd') },
  { rule: 'tar format', change: 'bytes behind the owner', message: /hidden behind its owner names/, ...changeHeader(270, 'evil') },
  { rule: 'tar format', change: 'a device number', message: /has a device number/, ...changeHeader(329, '0000001\0') },
  { rule: 'tar format', change: 'an access time', message: /has GNU extras/, ...changeHeader(345, '14000000000\0') },
  { rule: 'tar format', change: 'bytes behind the content', message: /hidden behind its content/, ...changeFile({ fill: 1 }) },
  { rule: 'tar format', change: 'bytes behind the end', message: /the tar has bytes after its end/, draft: (draft) => {
    const [first] = draft.model;
    if (first) first.end = Buffer.concat([Buffer.alloc(1024), member({ name: 'models/x' })]);
  } },
  { rule: 'tar format', change: 'a PAX header at the end', message: /the tar has a PAX header/, draft: (draft) => {
    const [first] = draft.model;
    if (first) first.end = Buffer.concat([member({ name: 'x', type: 'g', content: '13 comment=x\n' }), Buffer.alloc(1024)]);
  } },
  { rule: 'tar format', change: 'a directory with a size', message: /models\/: is a directory with the size 8/, draft: (draft) => {
    const [first] = draft.model[0]?.members ?? [];
    if (first) first.edit = (block) => void block.write('00000000010\0', 124);
  } },
  { rule: 'tar format', change: 'no end', message: /the tar does not end with two blocks of zeros/, draft: (draft) => {
    const [first] = draft.model;
    if (first) first.end = Buffer.alloc(0);
  } },
  { rule: 'tar format', change: 'a name that is not UTF-8', message: /is not UTF-8/, ...changeHeader(7, '\xff') },
  { rule: 'tar format', change: 'a long name unlike the name in its header', message: /two different names/, draft: (draft) => {
    findMember(draft, '.bin').edit = (block) => void block.write('models/x', 0);
  } },

  ...['./models/model.joblib', '/models/model.joblib', 'models//model.joblib', 'models/./model.joblib', 'models/x/../model.joblib', 'models/model.joblib/'].map((name): Tampering => (
    { rule: 'names', change: name, message: /the name is not canonical, it should be models\/model\.joblib/, ...changeFile({ name }) })),
  { rule: 'names', change: 'the root in a model layer', message: /\.\/: is outside models\//, draft: (draft) => void draft.model[0]?.members.unshift(directory('./')) },
  { rule: 'names', change: 'a terminal escape', message: /x\\u\{1b\}\[2J\/: the name is not canonical/, ...addMembers(directory('models/./x\x1b[2J/')) },

  { rule: 'whiteouts', change: 'a whiteout', message: /models\/\.wh\.README\.md: is a whiteout/, ...addMembers({ name: 'models/.wh.README.md' }) },
  { rule: 'whiteouts', change: 'an opaque whiteout', message: /is a whiteout/, ...addMembers({ name: 'models/.wh..wh..opq' }) },

  ...([['1', 'hard link', 'models/model.joblib'], ['2', 'symbolic link', '/etc/passwd'], ['3', 'character device', ''], ['6', 'fifo', ''], ['V', 'member of type "V"', '']] as const).map(([type, kind, link]): Tampering => (
    { rule: 'types', change: kind, message: new RegExp(`models/x: is a ${kind}`), ...addMembers({ name: 'models/x', type, link }) })),
  { rule: 'types', change: '/models as a link', message: /models: is a symbolic link/, draft: (draft) => void draft.model.unshift({ compression: 'none', members: [{ name: 'models', type: '2', link: 'tmp' }] }) },

  { rule: 'owner', change: 'root', message: /owner is 0:0, the contract requires 1001:0/, next: /chown it to 1001:0/, ...changeFile({ uid: 0 }) },
  { rule: 'owner', change: 'another group', message: /owner is 1001:1001/, ...changeFile({ gid: 1001 }) },
  { rule: 'owner', change: "a user's name", message: /has the owner name mallory/, ...changeFile({ uname: 'mallory' }) },
  { rule: 'owner', change: "a folder of root with mode 0700", message: /models\/deep\/: owner is 0:0/, next: /chown it to 1001:0/, draft: (draft) => void Object.assign(findMember(draft, 'deep/'), { uid: 0, mode: 0o700 }) },

  { rule: 'modes', change: '0644', message: /^verify iris:v1 \(linux\/amd64\): models\/model\.joblib: mode is 0644, the contract requires 0444 \(layer sha256:\w{12}\)$/, ...changeFile({ mode: 0o644 }) },
  { rule: 'modes', change: '0400', message: /mode is 0400/, next: /chmod it to 0444, so that any user the pod runs as can read it/, ...changeFile({ mode: 0o400 }) },
  { rule: 'modes', change: 'set-user-ID', message: /mode is 4444/, ...changeFile({ mode: 0o4444 }) },
  { rule: 'modes', change: 'a directory 0755', message: /models\/deep\/: mode is 0755, the contract requires 0555/, draft: (draft) => { findMember(draft, 'deep/').mode = 0o755; } },
  { rule: 'modes', change: 'a folder with mode 0700', message: /models\/deep\/: mode is 0700/, next: /chmod it to 0555/, draft: (draft) => { findMember(draft, 'deep/').mode = 0o700; } },

  { rule: 'times', change: 'the current time', message: /time is 1700000000, that of the image is 0/, ...changeFile({ mtime: 1_700_000_000 }) },

  { rule: 'order', change: 'a file before its directory', message: /models\/: comes after models\/model\.joblib/, draft: (draft) => void draft.model[0]?.members.reverse() },
  { rule: 'order', change: 'a file twice', message: /model\.joblib: is in the layer twice/, draft: (draft) => void draft.model[0]?.members.push(findMember(draft)) },

  { rule: 'shadows', change: 'a file in two layers', message: /model\.joblib: is in an earlier layer too/, draft: (draft) => void draft.model[2]?.members.push({ ...findMember(draft), content: 'evil' }) },
  { rule: 'shadows', change: 'a directory over a file', message: /model\.joblib: is in an earlier layer too/, draft: (draft) => void draft.model[2]?.members.push(directory('models/model.joblib')) },

  { rule: 'parents', change: 'no member for a directory', message: /its directory models\/deep has no tar member/, draft: (draft) => void draft.model[1]?.members.splice(1, 1) },
];
