import { describe, expect, it } from 'vitest';
import { hub, open, uri, useModelHub } from '../../../tests/support/hub-source.ts';
import { collect, failure, sha256 } from '../../../tests/support/outcome.ts';
import { checkHubUri } from './uri.ts';

const all = () => true;

useModelHub();

describe('a URI with the path of one file', () => {
  const one = `${uri}#deep/odd name #1?.txt`;

  it('resolves to that file and the commit, and opens it under another name', async () => {
    const source = open();
    const { revision, files } = await source.resolve(one, all);
    expect(revision).toBe(hub.sha('org/model'));
    expect(files).toEqual([{ path: 'deep/odd name #1?.txt', size: 5, sha256: sha256('hello') }]);
    const renamed = { path: 'model.txt', size: 5, sha256: sha256('hello') };
    expect((await collect(source.open(one, revision, renamed))).toString()).toBe('hello');
  });

  it('names the file that was meant', async () => {
    const error = await failure(open().resolve(`${uri}#confg.json`, all));
    expect(error.message).toContain('the repository has no file `confg.json`; did you mean `config.json`?');
  });

  it.each(['', '/etc/passwd', '../x', 'a//b'])('has no path %j', (path) => {
    expect(checkHubUri(`hf://org/name#${path}`)?.hint).toMatch(/^: the path /);
  });
});
