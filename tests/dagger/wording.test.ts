/** The advice of the program in the words of this door: `dagger call`, its functions and its flags. */
import { expect, test } from 'vitest';
import { inDaggersWords } from '../../dagger/src/wording.ts';

test.each([
  ['run `modelcars lock`', 'run `dagger call lock export --path models.lock.yaml`'],
  [
    'run `modelcars lock --upgrade` if the change is meant',
    'run `dagger call lock --upgrade export --path models.lock.yaml` if the change is meant',
  ],
  ['run `modelcars list` to see the models', 'run `dagger call list` to see the models'],
  ['run `modelcars verify --help`', 'run `dagger call verify --help`'],
  [
    'name a models.yaml with -f FILE, or start one with `modelcars init`',
    'pass the folder of models.yaml: --source ., or start one with `npx modelcars init`',
  ],
  [
    'pass --registry quay.io/you, or set `registry:` in models.yaml',
    'pass --registry quay.io/you (`registry --address quay.io/you` in a chain), or set `registry:` in models.yaml',
  ],
  [
    'if that is wanted, pass `--insecure` with the host of the registry',
    'if that is wanted, pass `dagger call with-network --insecure HOST` with the host of the registry',
  ],
  [
    'pass a PEM file (`-----BEGIN CERTIFICATE-----`) with `--ca-file`',
    'pass a PEM file (`-----BEGIN CERTIFICATE-----`) with `dagger call --ca-file FILE`',
  ],
])('%s', (advice, expected) => {
  expect(inDaggersWords(`push iris: it failed\nnext: ${advice}`)).toBe(
    `push iris: it failed\nnext: ${expected}`,
  );
});

test('what is not advice stays as it is', () => {
  const message = 'read models.yaml: run `modelcars lock` is not YAML';
  expect(inDaggersWords(message)).toBe(message);
});
