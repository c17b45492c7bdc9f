import { relative } from 'node:path';
import type { Pulled } from '../pipeline/pull.ts';
import { formatTable } from '../terminal/table.ts';
import { formatBytes } from '../text/bytes.ts';
import { oneLine } from '../text/width.ts';
import * as args from './args/index.ts';
import { usage } from './args/option.ts';
import { type CommandIO, defineCommand } from './command.ts';
import { optionalCatalog, runOptions } from './run-options.ts';

/** `modelcars pull <image>`: the model files of an image, verified, in a folder. */
export const pull = defineCommand({
  name: 'pull',
  describe: 'write the model files of an image to a folder, verified',
  args: {
    image: args.pulledImage,
    file: args.selection.file,
    ...args.fileSelection,
    registry: args.overrides.registry,
    platforms: args.overrides.platforms,
    mirrors: args.overrides.mirrors,
    output: args.output,
    replace: args.replace,
    layout: args.layout,
    ...args.registryAccess,
    concurrency: args.concurrency,
    ...args.signers,
    ...args.reporting,
  },
  examples: [
    ['pull iris@v1.2.3', 'from the registry of models.yaml into iris/'],
    ['pull quay.io/me/llama:v1.0.0 -o models/llama', 'without models.yaml'],
    ["pull quay.io/me/llama:v1.0.0 --include '*.json'", 'some files only'],
  ],
  async run({ args: values, io }) {
    const { registry, mirrors, image, output, layout, include, exclude, replace } = values;
    const catalog = await optionalCatalog(values, { registry, mirrors });
    const trust = args.readTrust(values, catalog?.trust);
    const { pullImage } = await import('../pipeline/pull.ts');
    const pulled = await pullImage({
      ...runOptions(values, io),
      ...{ image, output, layout, include, exclude, replace },
      platform: onePlatform(values.platforms),
      catalog,
      mirrors: catalog?.mirrors ?? mirrors ?? {},
      trust,
      mustBeSigned: trust !== undefined && trust.signers !== catalog?.trust?.signers,
    });
    io.progress.stop();
    if (values.json) io.printJson('pull', { ok: true, ...pulled });
    else printPulled(pulled, io);
    return 0;
  },
});

function onePlatform(platforms: string[] | undefined): string | undefined {
  if (platforms === undefined || platforms.length === 1) return platforms?.[0];
  throw usage(`--platform names ${platforms.length} platforms: a folder has the model of one`);
}

function printPulled(pulled: Pulled, { print, colors, masker, width }: CommandIO): void {
  const clean = (text: string) => oneLine(masker.mask(text));
  const { status, files, size, received, resumed } = pulled;
  const folder = relative('', pulled.folder);
  const rows = files.map(({ path, size: bytes, sha256 }) => [clean(path), formatBytes(bytes), sha256]);
  const columns = [
    { title: 'FILE', shrinkTo: 20, cut: 'start' as const },
    { title: 'SIZE', align: 'right' as const },
    { title: 'SHA-256', shrinkTo: 12 },
  ];
  print(formatTable(columns, rows, { width, title: colors.bold }));
  for (const { rule, text } of pulled.checks)
    print(`  ${colors.green('✓')} ${rule.padEnd(12)} ${clean(text)}`);
  const count = `${files.length} ${files.length === 1 ? 'file' : 'files'}, ${formatBytes(size)}`;
  const again =
    resumed > 0 ? ` (${formatBytes(received)} received, ${formatBytes(resumed)} from before)` : '';
  const what = status === 'unchanged' ? ' has these files already' : `: ${count}${again}`;
  print(`${colors.bold(clean(folder || '.'))}${what} (${clean(pulled.name)}, ${pulled.digest})`);
}
