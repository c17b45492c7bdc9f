import type { InspectedPlatform, Inspection } from '../pipeline/inspect.ts';
import { formatTable } from '../terminal/table.ts';
import { formatBytes } from '../text/bytes.ts';
import { oneLine } from '../text/width.ts';
import type { Command, Context } from './command.ts';

/** `modelcars inspect <image>`: what an image in a layout or a registry says of itself. */
export const inspect: Command = {
  name: 'inspect',
  positional: {
    spec: '<image>',
    key: 'image',
    describe: 'name:version in --output, or registry/repository:tag',
  },
  describe: 'show the platforms, layers, files and annotations of an image',
  options: ['output', 'insecure', 'ca-file', 'json'],
  examples: [
    ['inspect iris:v1.0.0', 'an image in out/'],
    ['inspect quay.io/me/iris:v1.0.0', 'one in a registry'],
  ],
  async run(flags, context) {
    const { inspectImage } = await import('../pipeline/inspect.ts');
    const { output, registry } = flags;
    const inspection = await inspectImage(flags.image, { output, registry, signal: context.signal });
    if (flags.json) context.printJson(inspection);
    else printInspection(inspection, context);
    return 0;
  },
};

function printInspection(inspection: Inspection, context: Context): void {
  const { print, colors, masker } = context;
  const clean = (text: string) => oneLine(masker.mask(text));
  print(colors.bold(clean(inspection.name)));
  print(`digest  ${clean(inspection.digest)}`);
  print(`type    ${clean(inspection.mediaType)}`);
  for (const [key, value] of Object.entries(inspection.annotations)) {
    print(`${colors.dim(clean(key))}  ${clean(value)}`);
  }
  for (const platform of inspection.platforms) printPlatform(platform, context, clean);
}

function printPlatform(image: InspectedPlatform, context: Context, clean: (text: string) => string): void {
  const { print, colors, width } = context;
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
