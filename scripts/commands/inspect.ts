import type { InspectedPlatform, Inspection } from '../pipeline/inspect.ts';
import { formatTable } from '../terminal/table.ts';
import { formatBytes } from '../text/bytes.ts';
import { oneLine } from '../text/width.ts';
import * as args from './args/index.ts';
import { type CommandIO, defineCommand } from './command.ts';
import { registryAccess } from './run-options.ts';

/** `modelcars inspect <image>`: the metadata of an image in a layout or a registry. */
export const inspect = defineCommand({
  name: 'inspect',
  describe: 'show the platforms, layers, files and annotations of an image',
  args: {
    image: args.image,
    file: args.selection.file,
    layout: args.layout,
    ...args.registryAccess,
    json: args.json,
  },
  examples: [
    ['inspect iris:v1.0.0', 'an image in out/'],
    ['inspect quay.io/me/iris:v1.0.0', 'one in a registry'],
  ],
  async run({ args, io }) {
    const { inspectImage } = await import('../pipeline/inspect.ts');
    const inspection = await inspectImage(args.image, {
      layout: args.layout,
      file: args.file,
      registry: registryAccess(args),
      signal: io.signal,
    });
    if (args.json) io.printJson('inspect', { ok: true, ...inspection });
    else printInspection(inspection, io);
    return 0;
  },
});

function printInspection(inspection: Inspection, io: CommandIO): void {
  const { print, colors, masker } = io;
  const clean = (text: string) => oneLine(masker.mask(text));
  print(colors.bold(clean(inspection.name)));
  print(`digest  ${clean(inspection.digest)}`);
  print(`type    ${clean(inspection.mediaType)}`);
  for (const [key, value] of Object.entries(inspection.annotations)) {
    print(`${colors.dim(clean(key))}  ${clean(value)}`);
  }
  const libraries = Object.entries(inspection.libraries ?? {}).map((pair) => pair.join(' '));
  if (libraries.length > 0) print(`${colors.dim('libraries')}  ${clean(libraries.join(', '))}`);
  for (const platform of inspection.platforms) printPlatform(platform, io, clean);
}

function printPlatform(image: InspectedPlatform, io: CommandIO, clean: (text: string) => string): void {
  const { print, colors, width } = io;
  const facts = [image.user && `user ${image.user}`, image.created && `created ${image.created}`];
  print(`\n${colors.bold(clean(image.platform))}  ${clean(image.digest)}`);
  print(`${clean([`${image.layers.length} layers`, ...facts].filter((fact) => fact).join(', '))}`);
  const rows = image.layers.flatMap(({ digest, size, mediaType, files = [] }) => [
    [digest, formatBytes(size), mediaType.replace(/^application\/vnd\./, '')],
    ...files.map((file) => [`  ${file.path}`, formatBytes(file.size), '']),
  ]);
  const columns = [
    { title: 'LAYER', shrinkTo: 20 },
    { title: 'SIZE', align: 'right' as const },
    { title: 'TYPE', shrinkTo: 14 },
  ];
  print(formatTable(columns, rows, { width, title: colors.bold }));
}
