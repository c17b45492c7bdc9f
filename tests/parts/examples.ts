/** The folders of examples/, copied out of the repository, and the shell blocks of their READMEs, run as written. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './cli.ts';
import { type Block, blocksOf } from './markdown.ts';
import { type Result, tryRun } from './run.ts';

export interface Example extends AsyncDisposable {
  /** The copy. */
  folder: string;
  /** Headings of the README's sections with shell blocks, in order. */
  sections: string[];
  /** Runs a section's blocks in one shell, as on a machine with an empty store. Throws when a command fails. */
  run(section: string, env?: Record<string, string | undefined>): Promise<Result>;
}

/**
 * Copies an example; `placeholders` (text → this machine's text) are replaced in its models.yaml and in the commands it
 * runs.
 */
export async function copyExample(name: string, placeholders: Record<string, string>): Promise<Example> {
  const parent = await mkdtemp(join(tmpdir(), `modelcars-example-${name}-`));
  const folder = join(parent, name);
  await cp(join(root, 'examples', name), folder, { recursive: true });
  const fill = (text: string): string =>
    Object.entries(placeholders).reduce((filled, [from, to]) => filled.replaceAll(from, to), text);
  const catalog = join(folder, 'models.yaml');
  await writeFile(catalog, fill(await readFile(catalog, 'utf8')));
  const sections = shellSections(await readFile(join(folder, 'README.md'), 'utf8'));
  const setUp = shellSections(await readFile(join(root, 'examples/README.md'), 'utf8'));
  let machines = 0;
  return {
    folder,
    sections: [...sections.keys()],
    run: async (section, env = {}) => {
      const home = join(parent, `machine-${++machines}`);
      await mkdir(home);
      const script = [
        'set -euo pipefail; shopt -s expand_aliases',
        `cd '${root}'`,
        ...[...setUp.values()].flat(),
        `cd '${folder}'`,
        fill((sections.get(section) ?? [`echo "the README has no section ${section}"; exit 1`]).join('\n')),
      ];
      await writeFile(join(home, 'script'), script.join('\n'));
      const result = await tryRun('bash', [join(home, 'script')], {
        env: { HOME: home, ...neutral, ...env },
      });
      if (result.code !== 0)
        throw new Error(`${name}, ${section}: exit code ${result.code}\n${result.stdout}${result.stderr}`);
      return result;
    },
    [Symbol.asyncDispose]: () => rm(parent, { recursive: true, force: true }),
  };
}

/** Without CI, which freezes the lock, and without the developer's credentials, proxies, store and hub settings. */
const neutral: Record<string, undefined> = {
  CI: undefined,
  DOCKER_AUTH_CONFIG: undefined,
  DOCKER_CONFIG: undefined,
  HF_HOME: undefined,
  HF_TOKEN: undefined,
  HTTP_PROXY: undefined,
  HTTPS_PROXY: undefined,
  MODELCARS_STORE: undefined,
  NODE_EXTRA_CA_CERTS: undefined,
  NO_PROXY: undefined,
  REGISTRY_AUTH_FILE: undefined,
  XDG_CACHE_HOME: undefined,
  XDG_RUNTIME_DIR: undefined,
  http_proxy: undefined,
  https_proxy: undefined,
  no_proxy: undefined,
};

/** Heading → its shell blocks. */
function shellSections(page: string): Map<string, string[]> {
  const sections = new Map<string, string[]>();
  for (const part of page.split(/^(?=#{1,2} )/m)) {
    const heading = /^#+ (.*)$/m.exec(part)?.[1] ?? '';
    const isShell = ({ language }: Block): boolean => /^(sh|bash|console)$/.test(language);
    const blocks = blocksOf(heading, part).filter(isShell);
    if (blocks.length > 0)
      sections.set(
        heading,
        blocks.map(({ text }) => text),
      );
  }
  return sections;
}
