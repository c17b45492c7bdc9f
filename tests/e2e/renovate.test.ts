/** The regular expressions that docs/guide/ci.md gives to Renovate, on catalogs as people write them. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const guide = await readFile(fileURLToPath(new URL('../../docs/guide/ci.md', import.meta.url)), 'utf8');
const blocks = [...guide.matchAll(/```json\n(.*?)```/gs)].map(([, text = '']) => JSON.parse(text));
const [bases, commits] = (
  blocks.find((block) => block.customManagers).customManagers as { matchStrings: string[] }[]
).map(({ matchStrings: [text = ''] }) => text);

/** What a manager extracts, without groups that matched nothing; Renovate runs the expressions with the flag g. */
const extract = (expression: string | undefined, text: string) =>
  [...text.matchAll(new RegExp(expression ?? '', 'g'))].map(({ groups }) =>
    JSON.parse(JSON.stringify(groups)),
  );

const digest = `sha256:${'a'.repeat(64)}`;
const commit = '0123456789abcdef0123456789abcdef01234567';
const catalog = `defaults:
  base: registry.access.redhat.com/ubi10/ubi-micro:10.0
mirrors: {registry.access.redhat.com: mirror.example.com/redhat}
models:
  - name: granite
    source: hf://ibm-granite/granite-3.0-2b-instruct:${commit}
    base: "registry.example.com:5000/me/base:10.0@${digest}" # pinned
  - {name: iris, source: "file:models/iris", base: quay.io/me/base:1.2.3}
  - name: small
    source: hf://org/name:v1.0
    files: {extra.json: "hf://org/other:${commit}#extra.json"}
    base: embedded
  - name: digest-only
    source: hf://org/name
    base: quay.io/me/base@${digest}
`;

test('the first manager finds every base image, with tag and digest', () => {
  expect(extract(bases, catalog)).toEqual([
    { depName: 'registry.access.redhat.com/ubi10/ubi-micro', currentValue: '10.0' },
    { depName: 'registry.example.com:5000/me/base', currentValue: '10.0', currentDigest: digest },
    { depName: 'quay.io/me/base', currentValue: '1.2.3' },
    { depName: 'quay.io/me/base', currentDigest: digest },
  ]);
});

test('the second finds commits on the hub, and neither branches nor tags', () => {
  expect(extract(commits, catalog)).toEqual([
    { depName: 'ibm-granite/granite-3.0-2b-instruct', currentDigest: commit },
    { depName: 'org/other', currentDigest: commit },
  ]);
});
