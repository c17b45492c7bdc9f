/** The machine's own limits, as a baseline for the tools. */
import { join } from 'node:path';
import { toolPath } from '../tools.ts';
import type { Peer } from '../types.ts';

/** Each byte read, written and hashed once, by programs that do only that. */
export const copy: Peer = {
  name: 'cp',
  title: () => 'cp + openssl sha256',
  kinds: ['layout'],
  needs: ['cp', 'openssl'],
  noImage: true,
  async steps({ models, folder }) {
    const [cp, openssl] = [await toolPath('cp'), await toolPath('openssl')];
    return models.flatMap(({ name, folder: from, files }) => {
      const to = join(folder, name);
      return [
        { program: cp, args: ['--recursive', '--reflink=never', from, to] },
        { program: openssl, args: ['dgst', '-sha256', ...files.map((file) => join(to, file))] },
      ];
    });
  },
};

/** The rate at which a client with one connection can read from a hub. */
export const curl: Peer = {
  name: 'curl',
  title: () => 'curl, one connection, to nowhere',
  kinds: ['hub'],
  needs: ['curl'],
  noImage: true,
  async steps({ models, hub }) {
    const program = await toolPath('curl');
    const quiet = ['--silent', '--show-error', '--fail', '--location', '--output', '/dev/null'];
    return models.flatMap(({ name, files }) =>
      files.map((file) => ({ program, args: [...quiet, `${hub}/bench/${name}/resolve/main/${file}`] })),
    );
  },
};
