/** Failures of the engine itself that have a way out in the module: their texts are those of engine 0.21.8. */
import { describe, expect, test } from 'vitest';
import { missingSdk } from './_module.ts';

/** Not a literal: its imports come with the SDK, which this repository's type check does not have. */
const module = new URL('../../dagger/src/errors.ts', import.meta.url).href;

describe.skipIf(await missingSdk())('a failure of the engine', () => {
  const messageOf = async (text: string) => {
    const { withProgramError } = await import(/* @vite-ignore */ module);
    const failed: Promise<unknown> = withProgramError(() => Promise.reject(new Error(text)));
    return await failed.then(
      () => 'no failure',
      (error: Error) => error.message,
    );
  };

  test.each([
    [
      'an image that its registry lacks',
      'failed to resolve image "docker.io/library/docker:dind" (platform: "linux/amd64"): not found',
      /^pull the image docker\.io\/library\/docker:dind: not found\nnext: .*--docker/,
    ],
    [
      'an image without Docker',
      'failed to stat file: stat /usr/local/bin/docker: no such file or directory',
      /^find Docker for kind: its image has no \/usr\/local\/bin\/docker\nnext: .*--docker of with-images/,
    ],
    [
      'a secret that is not set',
      'secret env "HF_TOKEN": rpc error: code = Unknown desc = secret env var not found: "HF_TOKE..."',
      /^read the secret for HF_TOKEN: secret env var not found: .*\nnext: set the variable/,
    ],
  ])('by %s names the argument that helps', async (_, text, message) => {
    expect(await messageOf(text)).toMatch(message);
  });

  test('without a way out is shown as it is', async () => {
    expect(await messageOf('the disk is on fire')).toBe('the disk is on fire');
  });
});
