import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { describe, expect, test } from 'vitest';
import { attestedImage, commit, digestOf, locked, model } from '../../../../tests/support/attested-image.ts';
import type { Loader } from '../../../model/types.ts';
import type { Software } from '../packages/types.ts';
import { statementBytes } from '../statement.ts';
import type { AttestedImage } from '../types.ts';
import { bomOf, bomStatementOf } from './bom.ts';

const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
const schemaProblem = async (document: object) => await validator.validate(JSON.stringify(document));

const rpm = (arch: string) => `pkg:rpm/redhat/glibc@2.39?arch=${arch}&distro=rhel-10.0`;
const ubi = (arch: string): Software => ({
  distribution: { id: 'rhel', version: '10.0', name: 'Red Hat Enterprise Linux 10.0' },
  packages: [
    { name: 'glibc', version: '2.39', purl: rpm(arch), licence: 'LGPL-2.1-or-later AND something odd' },
    { name: 'tzdata', version: '2025b', purl: 'pkg:rpm/redhat/tzdata@2025b?arch=noarch&distro=rhel-10.0' },
  ],
  read: ['rpm database'],
  unread: [],
});
const both = new Map([
  ['linux/amd64', ubi('x86_64')],
  ['linux/arm64', ubi('aarch64')],
]);
const none: Software = { packages: [], read: [], unread: [] };
const componentOf = (image: AttestedImage, ref: string, software = both) =>
  bomOf(image, software).components.find((one) => one['bom-ref'] === ref);

describe('a bill of materials', () => {
  test('is valid by the schema of CycloneDX 1.6', async () => {
    expect(await schemaProblem(bomOf(attestedImage(), both))).toBeNull();
    const wrong = { ...bomOf(attestedImage(), both), serialNumber: 'urn:uuid:1' };
    expect(await schemaProblem(wrong)).not.toBeNull();
  });

  test('describes the model with its card, licence, base models and commit', () => {
    expect(componentOf(attestedImage(), 'model')).toEqual({
      type: 'machine-learning-model',
      'bom-ref': 'model',
      name: 'llama',
      version: 'v1.2.0',
      licenses: [{ expression: 'Apache-2.0' }],
      purl: `pkg:huggingface/org/llama@${commit}`,
      pedigree: {
        ancestors: [
          { type: 'machine-learning-model', name: 'org/base', purl: 'pkg:huggingface/org/base' },
          { type: 'machine-learning-model', name: 'org/other', purl: 'pkg:huggingface/org/other' },
        ],
      },
      externalReferences: [{ type: 'website', url: 'https://huggingface.co/org/llama' }],
      modelCard: {
        modelParameters: {
          task: 'text-generation',
          datasets: [{ type: 'dataset', name: 'org/words' }],
        },
      },
      properties: [
        { name: 'modelcars:framework', value: 'vllm' },
        { name: 'modelcars:source', value: 'hf://org/llama' },
        { name: 'modelcars:revision', value: commit },
        { name: 'modelcars:library', value: 'transformers' },
      ],
    });
  });

  test('has every locked file by its path in the image, with its SHA-256', () => {
    const files = bomOf(attestedImage(), both).components.filter(({ type }) => type === 'file');
    expect(files.map(({ name, hashes }) => [name, hashes])).toEqual([
      ['models/config.json', [{ alg: 'SHA-256', content: '1'.repeat(64) }]],
      ['models/weights/a.safetensors', [{ alg: 'SHA-256', content: '2'.repeat(64) }]],
      ['models/tokenizer.json', [{ alg: 'SHA-256', content: '3'.repeat(64) }]],
    ]);
    expect(files[2]?.properties).toContainEqual({
      name: 'modelcars:source',
      value: 'hf://org/other:main#tokenizer.json',
    });
  });

  test('names the image by its digest, and the base of each platform with its packages', () => {
    const bom = bomOf(attestedImage(), both);
    expect(bom.metadata.component).toMatchObject({
      type: 'container',
      name: 'quay.io/me/llama',
      version: 'v1.2.0',
      purl: `pkg:oci/llama@${digestOf('a')}?repository_url=quay.io%2Fme%2Fllama`,
    });
    // A package of both platforms is listed once.
    expect(bom.dependencies.slice(2)).toEqual([
      {
        ref: 'base:linux/amd64',
        dependsOn: [
          'os:rhel-10.0',
          rpm('x86_64'),
          'pkg:rpm/redhat/tzdata@2025b?arch=noarch&distro=rhel-10.0',
        ],
      },
      {
        ref: 'base:linux/arm64',
        dependsOn: [
          'os:rhel-10.0',
          rpm('aarch64'),
          'pkg:rpm/redhat/tzdata@2025b?arch=noarch&distro=rhel-10.0',
        ],
      },
    ]);
    const refs = [...bom.components, bom.metadata.component].map((one) => one['bom-ref']);
    expect(new Set(refs).size).toBe(refs.length);
    expect(refs).toEqual(expect.arrayContaining(bom.dependencies.flatMap(({ dependsOn }) => dependsOn)));
    expect(componentOf(attestedImage(), rpm('x86_64'))).toMatchObject({
      type: 'library',
      licenses: [{ license: { name: 'LGPL-2.1-or-later AND something odd' } }],
    });
  });

  test('says what it does not know', () => {
    const unread = ['/var/lib/rpm/Packages: a database that only rpm reads'];
    const software = new Map([
      ['linux/amd64', { ...none, unread }],
      ['linux/arm64', none],
    ]);
    const bom = bomOf(attestedImage(), software);
    expect(bom.compositions).toEqual([
      { aggregate: 'complete', dependencies: ['model'] },
      { aggregate: 'incomplete', dependencies: ['base:linux/amd64', 'base:linux/arm64'] },
    ]);
    expect(componentOf(attestedImage(), 'base:linux/amd64', software)?.properties).toContainEqual({
      name: 'modelcars:packages:unread',
      value: unread[0],
    });
    expect(componentOf(attestedImage(), 'base:linux/arm64', software)?.properties).toContainEqual({
      name: 'modelcars:packages:unread',
      value: 'the image has no package records',
    });
    // Files that belong to no package may be in any distribution.
    expect(bomOf(attestedImage(), both).compositions[1]).toMatchObject({ aggregate: 'unknown' });
  });

  test('of a local model without a card on the embedded base states no more than is known', async () => {
    const file = { path: 'model.joblib', size: 1, sha256: '6'.repeat(64) };
    const { metadata, ...rest } = locked;
    const platform = {
      platform: 'linux/amd64',
      manifest: { mediaType: 'x', digest: digestOf('b'), size: 1 },
      base: { reference: 'embedded', digest: digestOf('d') },
    };
    const image = attestedImage({
      model: { ...model, framework: 'sklearn', source: 'file:iris', base: 'embedded' },
      locked: { ...rest, libraries: { 'scikit-learn': '1.8.0' }, files: [file] },
      files: [{ path: 'models/model.joblib', locked: file }],
      image: { ...attestedImage().image, name: 'iris', platforms: [platform] },
    });
    const go = { ...none, packages: [{ name: 'stdlib', purl: 'pkg:golang/stdlib@1.26.8' }], read: ['go'] };
    const bom = bomOf(image, new Map([['linux/amd64', go]]));
    expect(metadata).toBeDefined();
    expect(await schemaProblem(bom)).toBeNull();
    expect(bom.metadata.component.purl).toBe(`pkg:oci/iris@${digestOf('a')}`);
    expect(bom.components[0]).toEqual({
      type: 'machine-learning-model',
      'bom-ref': 'model',
      name: 'llama',
      version: 'v1.2.0',
      properties: expect.arrayContaining([{ name: 'modelcars:library:scikit-learn', value: '1.8.0' }]),
    });
    expect(bom.components.find(({ name }) => name === 'modelcars embedded base')).not.toHaveProperty('purl');
    expect(bom.compositions).toEqual([
      { aggregate: 'complete', dependencies: ['model', 'base:linux/amd64'] },
    ]);
  });

  test('of a bucket whose keys are no URI is valid', async () => {
    const image = attestedImage({ model: { ...model, source: 's3://b/my models/100%/{x}' } });
    expect(await schemaProblem(bomOf(image, both))).toBeNull();
    expect(componentOf(image, 'model')?.externalReferences).toEqual([
      { type: 'distribution', url: 's3://b/my%20models/100%25/%7Bx%7D' },
    ]);
  });

  test('of a loader lists the program as incomplete: its npm packages are bundled', async () => {
    const { framework, source, files, include, exclude, ...rest } = model;
    expect([framework, source, files, include, exclude]).toBeDefined();
    const loader: Loader = { ...rest, image: 'loader' };
    const bom = bomOf(attestedImage({ model: loader }), both);
    expect(await schemaProblem(bom)).toBeNull();
    expect(bom.components[0]).toMatchObject({ type: 'application', purl: 'pkg:npm/modelcars@0.1.0' });
    expect(bom.compositions).toContainEqual({ aggregate: 'incomplete', dependencies: ['program'] });
  });

  test('has a serial number made from the digest, and a time only with SOURCE_DATE_EPOCH', () => {
    const other = { ...attestedImage().image, index: { mediaType: 'x', digest: digestOf('9'), size: 1 } };
    const serial = bomOf(attestedImage(), both).serialNumber;
    // Version 8, variant 10 (RFC 9562).
    expect(serial).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(bomOf(attestedImage({ image: other }), both).serialNumber).not.toBe(serial);
    expect(bomOf(attestedImage(), both).metadata).not.toHaveProperty('timestamp');
    expect(bomOf(attestedImage({ epoch: 1_700_000_000 }), both).metadata.timestamp).toBe(
      '2023-11-14T22:13:20Z',
    );
  });

  test('is attested with the predicate type that cosign calls cyclonedx', () => {
    const statement = bomStatementOf(attestedImage(), both);
    expect(statement).toMatchObject({ predicateType: 'https://cyclonedx.org/bom' });
    expect(statement.subject).toHaveLength(3);
    expect(statementBytes(statement)).toEqual(statementBytes(bomStatementOf(attestedImage(), new Map(both))));
  });
});
