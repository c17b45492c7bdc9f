import { hash } from 'node:crypto';
import { ModelcarsError } from '../../../errors.ts';
import { isModel } from '../../../model/catalog-entry.ts';
import type { Software } from '../packages/types.ts';
import { imagePurl, purlOf } from '../purl.ts';
import type { Statement } from '../statement.ts';
import { hexOf, subjectsOf } from '../subjects.ts';
import type { AttestedImage } from '../types.ts';
import { baseComponents } from './base.ts';
import { fileComponent, modelComponent } from './model.ts';
import type { Bom, Component, Composition } from './types.ts';

/**
 * The bill of materials of an image, in CycloneDX 1.6: the model with what the lock has of its card, every file with its
 * SHA-256, and the packages of its base images. `software` is what is known of the base of each platform, by platform.
 * The same image gives the same document; it has a timestamp only with SOURCE_DATE_EPOCH.
 */
export function bomOf(image: AttestedImage, software: ReadonlyMap<string, Software>): Bom {
  const { model, program } = image;
  const { name, index, platforms } = image.image;
  const container: Component & { 'bom-ref': string } = {
    type: 'container',
    'bom-ref': 'image',
    name,
    version: model.version ?? index.digest,
    hashes: [{ alg: 'SHA-256', content: hexOf(index.digest) }],
    purl: imagePurl(name, index.digest),
  };
  const own = modelComponent(image);
  const files = image.files.map(fileComponent);
  const bases = platforms.map((platform) =>
    baseComponents(platform, softwareFor(software, platform.platform)),
  );
  const contents = unique(bases.flatMap((one) => one.contents));
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(index.digest)}`,
    version: 1,
    metadata: {
      ...(image.epoch > 0 && {
        timestamp: new Date(image.epoch * 1000).toISOString().replace('.000Z', 'Z'),
      }),
      lifecycles: [{ phase: 'build' }],
      tools: {
        components: [
          {
            type: 'application',
            name: 'modelcars',
            version: program,
            purl: purlOf({ type: 'npm', name: 'modelcars', version: program }),
          },
        ],
      },
      component: container,
    },
    components: [own, ...files, ...bases.map(({ base }) => base), ...contents],
    dependencies: [
      { ref: container['bom-ref'], dependsOn: refs([own, ...bases.map(({ base }) => base)]) },
      { ref: own['bom-ref'], dependsOn: refs(files) },
      ...bases.map((one) => ({ ref: one.base['bom-ref'], dependsOn: refs(one.contents) })),
    ],
    compositions: compositionsOf([
      // A loader's own npm packages are bundled into its files, and not listed.
      [isModel(model) ? 'complete' : 'incomplete', own['bom-ref']],
      ...bases.map(({ aggregate, base }) => [aggregate, base['bom-ref']] as const),
    ]),
  };
}

/** The statement that attests the bill of materials; its predicate type is the one that cosign calls `cyclonedx`. */
export function bomStatementOf(image: AttestedImage, software: ReadonlyMap<string, Software>): Statement {
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: subjectsOf(image),
    predicateType: 'https://cyclonedx.org/bom',
    predicate: bomOf(image, software),
  };
}

function softwareFor(software: ReadonlyMap<string, Software>, platform: string): Software {
  const found = software.get(platform);
  if (found === undefined) throw new ModelcarsError('bug', `write BOM: the base of ${platform} was not read`);
  return found;
}

function refs(components: readonly { 'bom-ref': string }[]): string[] {
  return components.map((one) => one['bom-ref']);
}

function unique<T extends { 'bom-ref': string }>(components: readonly T[]): T[] {
  return [...new Map(components.map((one) => [one['bom-ref'], one])).values()];
}

function compositionsOf(refs: readonly (readonly [Composition['aggregate'], string])[]): Composition[] {
  return (['complete', 'unknown', 'incomplete'] as const).flatMap((aggregate) => {
    const dependencies = refs.flatMap(([one, ref]) => (one === aggregate ? [ref] : []));
    return dependencies.length === 0 ? [] : [{ aggregate, dependencies }];
  });
}

/** A UUID of version 8 (RFC 9562, section 5.8) made from a digest: the same for the same image. */
function uuidOf(digest: string): string {
  const bytes = Buffer.from(hash('sha256', `modelcars bom ${digest}`, 'buffer').subarray(0, 16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
