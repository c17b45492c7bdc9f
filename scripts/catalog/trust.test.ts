import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Trust } from '../model/trust.ts';
import { loadCatalog } from './load.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-trust-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function load(trust: string): Promise<Trust | undefined> {
  const file = join(folder, 'models.yaml');
  const models = 'models: [{name: iris, framework: sklearn, source: "file:iris.joblib"}]';
  await writeFile(file, `trust: ${trust}\n${models}\n`);
  return (await loadCatalog(file)).trust;
}

const github = 'issuer: "https://token.actions.githubusercontent.com"';

it('takes keys and identities; paths start at the folder of models.yaml', async () => {
  const signers = `[{key: keys/cosign.pub, transparencyLog: true}, {identity: me@example.com, ${github}}, {identityPattern: "https://github\\\\.com/me/.*", ${github}}]`;
  expect(await load(`{signers: ${signers}, trustedRoot: root.json}`)).toEqual({
    signers: [
      { key: join(folder, 'keys/cosign.pub'), transparencyLog: true },
      { identity: 'me@example.com', issuer: 'https://token.actions.githubusercontent.com' },
      {
        identityPattern: 'https://github\\.com/me/.*',
        issuer: 'https://token.actions.githubusercontent.com',
      },
    ],
    trustedRoot: join(folder, 'root.json'),
  });
});

it.each([
  ['{signers: []}', 'expected at least one signer'],
  ['{signers: [{}]}', 'expected a signer: `{key: cosign.pub}`'],
  ['{signers: [{identity: me@example.com}]}', 'expected a signer: `{key: cosign.pub}`'],
  [`{signers: [{identity: me, identityPattern: m., ${github}}]}`, 'expected a signer'],
  [`{signers: [{key: cosign.pub, ${github}}]}`, 'a signer has a `key`, or an identity with an `issuer`'],
  [`{signers: [{identity: me, transparencyLog: true, ${github}}]}`, '`transparencyLog` belongs to a `key`'],
  [`{signers: [{identityPattern: "(", ${github}}]}`, 'expected a regular expression'],
  [`{signers: [{identityPattern: "(a+)+", ${github}}]}`, 'a repeated group must not repeat inside'],
  ['{signers: [{identity: me, issuer: github.com}]}', 'expected the URL of an OIDC issuer'],
  ['{signers: [{key: a.pub, isuer: b}]}', 'did you mean `issuer`?'],
  ['{signer: [{key: a.pub}]}', 'did you mean `signers`?'],
])('refuses %s', async (trust, message) => {
  await expect(load(trust)).rejects.toThrow(message);
});
