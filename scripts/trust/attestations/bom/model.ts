import { isModel } from '../../../model/catalog-entry.ts';
import type { Model } from '../../../model/types.ts';
import { spdxOf } from '../../../sources/huggingface/licence.ts';
import { checkHubUri, splitHubUri } from '../../../sources/huggingface/uri.ts';
import { isLocal, kindOf } from '../../../sources/index.ts';
import { purlOf } from '../purl.ts';
import type { AttestedImage, AttestedModelFile } from '../types.ts';
import type { Component, ModelCard, Property } from './types.ts';

/** The model of an image; for a loader's image, modelcars itself. */
export function modelComponent({ model, locked, program }: AttestedImage): Component & { 'bom-ref': string } {
  if (!isModel(model)) {
    const purl = purlOf({ type: 'npm', name: 'modelcars', version: program });
    return { type: 'application', 'bom-ref': 'program', name: 'modelcars', version: program, purl };
  }
  const { metadata = {}, libraries = {} } = locked;
  const licences = model.licenses ?? spdxOf(metadata);
  const ancestors = listOf(metadata.base_model).map(baseModel);
  const purl = hubPurl(model.source, locked.revision);
  const properties: Property[] = [
    { name: 'modelcars:framework', value: model.framework },
    { name: 'modelcars:source', value: model.source },
    { name: 'modelcars:revision', value: locked.revision },
    ...Object.entries({
      ...(metadata.library_name !== undefined && { 'modelcars:library': metadata.library_name }),
      ...Object.fromEntries(
        Object.entries(libraries).map(([name, version]) => [`modelcars:library:${name}`, version]),
      ),
    }).map(([name, value]) => ({ name, value })),
  ];
  return {
    type: 'machine-learning-model',
    'bom-ref': 'model',
    name: model.name,
    ...(model.version !== undefined && { version: model.version }),
    ...(model.description !== undefined && { description: model.description }),
    ...(licences !== undefined && { licenses: [{ expression: licences }] }),
    ...(purl !== undefined && { purl }),
    ...(ancestors.length > 0 && { pedigree: { ancestors } }),
    ...referencesOf(model),
    ...cardOf(metadata),
    properties,
  };
}

/** A locked file, by its path in the image. */
export function fileComponent({ path, locked }: AttestedModelFile): Component & { 'bom-ref': string } {
  const { size, sha256, source } = locked;
  const properties = [
    { name: 'modelcars:size', value: String(size) },
    ...(source === undefined ? [] : [{ name: 'modelcars:source', value: source }]),
  ];
  return {
    type: 'file',
    'bom-ref': `file:${path}`,
    name: path,
    hashes: [{ alg: 'SHA-256', content: sha256 }],
    properties,
  };
}

/** What the lock has of the model card; nothing for a model without one. */
function cardOf({ pipeline_tag: task, datasets }: Record<string, string>): { modelCard?: ModelCard } {
  const named = listOf(datasets).map((name) => ({ type: 'dataset' as const, name }));
  if (task === undefined && named.length === 0) return {};
  const modelParameters = {
    ...(task !== undefined && { task }),
    ...(named.length > 0 && { datasets: named }),
  };
  return { modelCard: { modelParameters } };
}

/** A model that this one was made from, as its card names it: usually `org/name` on the same hub. */
function baseModel(name: string): Component {
  const purl = hubPurl(`hf://${name}`);
  return { type: 'machine-learning-model', name, ...(purl !== undefined && { purl }) };
}

/** `pkg:huggingface/org/name@commit`; undefined for what is no repository of a hub. */
function hubPurl(uri: string, commit?: string): string | undefined {
  if (checkHubUri(uri) !== undefined) return undefined;
  const [namespace, name = ''] = splitHubUri(uri).name.split('/');
  return purlOf({ type: 'huggingface', namespace, name, version: commit });
}

/** The page of a hub's model, or where the files of another come from; a local path means nothing elsewhere. */
function referencesOf({ source }: Model): Pick<Component, 'externalReferences'> {
  if (isLocal(source)) return {};
  const page = kindOf(source)?.page?.(source);
  return {
    externalReferences: [
      page === undefined ? { type: 'distribution', url: iriOf(source) } : { type: 'website', url: page },
    ],
  };
}

/** A source's URI with the characters that no IRI has (RFC 3987) percent-encoded: a bucket's keys may have any. */
function iriOf(uri: string): string {
  return uri.replaceAll(/[\s<>"{}|\\^`]|%(?![0-9a-f]{2})/gi, encodeURIComponent);
}

/** The items of a list that the lock keeps as one line. */
function listOf(line: string | undefined): string[] {
  return [...new Set((line ?? '').split(',').map((one) => one.trim()))].filter((one) => one !== '');
}
