import { stringify } from 'yaml';

/** What a new models.yaml begins with. */
export interface NewCatalog {
  /** Where editors find models.schema.json, relative to models.yaml. */
  schema?: string;
  registry?: string;
  base?: string;
}

/** The text of a models.yaml without models, which `modelcars add` fills. */
export function newCatalogText({ schema, registry, base }: NewCatalog): string {
  const field = (name: string, value: string) => stringify({ [name]: value }, { lineWidth: 0 });
  return [
    ...(schema === undefined ? [] : [`# yaml-language-server: $schema=${schema}\n`]),
    '# What to build: one image per model.\n\n',
    "# Where `modelcars push` sends the images; each model's name is appended.\n",
    registry === undefined ? '# registry: quay.io/me\n' : field('registry', registry),
    "\n# The base image. By default it is Red Hat's UBI micro; `embedded` is built in (1.5 MB, needs no registry).\n",
    ...(base === undefined ? ['# defaults:\n#   base: embedded\n'] : ['defaults:\n  ', field('base', base)]),
    '\n# `modelcars add` appends to this list.\nmodels: []\n',
  ].join('');
}
