import { ModelcarsError } from '../../errors.ts';
import { inferenceService } from '../../kserve/manifests/inference-service.ts';
import { toYaml } from '../../kserve/manifests/yaml.ts';
import type { LockedModel, Model } from '../../model/types.ts';
import { type ParsedCard, parseCard } from '../../model-catalog/card.ts';
import type { CatalogImage, CatalogModel } from '../../model-catalog/types.ts';
import { checkHubUri, splitHubUri } from '../../sources/huggingface/uri.ts';
import { isLocal, kindOf } from '../../sources/index.ts';
import { plain } from '../../text/format.ts';
import type { BundleVerifier } from '../../trust/verification/bundle-verifier.ts';
import { remoteTag, repositoryName } from '../image-names.ts';
import { licencesOf } from '../licences.ts';
import { storedDigest } from '../lock-layers.ts';
import type { OpenedImages } from '../open-images.ts';
import type { Session } from '../session.ts';
import { type FoundFacts, findImage } from './find-image.ts';
import { readCard } from './read-card.ts';

export interface GatherOptions {
  /** Absent without a layout. */
  images: OpenedImages | undefined;
  isRemote: boolean;
  /** Absent where nothing says who signs. */
  verifier: BundleVerifier | undefined;
  namespace?: string;
  pullSecrets: readonly string[];
}

/** Longest URI shown, in characters. */
const longestUri = 300;

/** All that catalog, lock, image and model card say of a model. Warns of a model that is not locked. */
export async function gatherModel(
  session: Session,
  model: Model,
  options: GatherOptions,
): Promise<CatalogModel> {
  const { lock } = session;
  const locked = lock && Object.hasOwn(lock.models, model.name) ? lock.models[model.name] : undefined;
  if (locked === undefined)
    session.options.progress.warn(`${model.name}: the lock does not have it; run \`modelcars lock\``);
  const found = options.images && (await findImage(session, model, options.images, options));
  const readme = locked && (await readCard(session, model, locked, found));
  const card = readme?.text === undefined ? undefined : parseCard(readme.text);
  const image = await imageOf(session, model, locked, found, options.isRemote);
  const metadata = locked?.metadata ?? {};
  const manifest = manifestOf(session, model, image, options);
  const task = metadata.pipeline_tag ?? card?.task;
  const licence = licencesOf(model, metadata) ?? (card?.licence && licencesOf({}, { license: card.licence }));
  const { title = model.name, description, framework, version } = model;
  return {
    name: model.name,
    title,
    framework,
    ...(description !== undefined && { description }),
    ...(task !== undefined && { task }),
    ...(licence !== undefined && { licence }),
    ...(metadata.license_link !== undefined && { licenceLink: metadata.license_link }),
    ...(version !== undefined && { version }),
    source: sourceOf(model, locked),
    ...(locked && {
      files: { count: locked.files.length, size: locked.files.reduce((sum, { size }) => sum + size, 0) },
    }),
    ...(metadata.library_name !== undefined && { library: metadata.library_name }),
    libraries: locked?.libraries ?? {},
    ...namesOf(metadata, card),
    image,
    ...(manifest !== undefined && { manifest }),
    card:
      card === undefined
        ? { state: readme === undefined || readme.isAbsent ? 'none' : 'unread' }
        : { state: 'shown', text: card.text, isCut: card.isCut },
  };
}

/** The lock has what the hub said; the card of local files has it in its front matter. */
function namesOf(
  metadata: Record<string, string>,
  card: ParsedCard | undefined,
): Pick<CatalogModel, 'baseModels' | 'datasets' | 'languages'> {
  const items = (line: string | undefined) =>
    line?.split(',').flatMap((one) => (one.trim() === '' ? [] : [one.trim()]));
  return {
    baseModels: items(metadata.base_model) ?? card?.baseModels ?? [],
    datasets: items(metadata.datasets) ?? card?.datasets ?? [],
    languages: card?.languages ?? [],
  };
}

function sourceOf({ source }: Model, locked: LockedModel | undefined): CatalogModel['source'] {
  const revision = locked && { revision: locked.revision };
  if (isLocal(source)) return { ...revision };
  const page = kindOf(source)?.page?.(source);
  const owner = checkHubUri(source) === undefined ? splitHubUri(source).name.split('/')[0] : undefined;
  return {
    uri: plain(source, longestUri),
    ...(page !== undefined && { page }),
    ...(owner !== undefined && { owner }),
    ...revision,
  };
}

async function imageOf(
  session: Session,
  model: Model,
  locked: LockedModel | undefined,
  found: FoundFacts | undefined,
  isRemote: boolean,
): Promise<CatalogImage> {
  const pins = session.lock?.bases[model.base] ?? {};
  // With --remote, only what the registry has can be deployed.
  const digest =
    found?.digest ?? (locked && !isRemote ? await storedDigest(session, model, locked, pins) : undefined);
  const revision = found?.revision;
  return {
    ...(model.registry !== undefined && { repository: repositoryName(model) }),
    tag: remoteTag(model),
    ...(digest !== undefined && { digest }),
    ...(isRemote && { isPushed: found !== undefined }),
    ...(found && { size: found.size }),
    isOutdated: revision !== undefined && locked !== undefined && revision !== locked.revision,
    platforms: found?.platforms ?? model.platforms,
    base: plain(model.base, longestUri),
    signature: found?.signature ?? { state: 'unexamined' },
    attestations: found?.attestations ?? [],
    versions: found?.versions ?? [],
    moreVersions: found?.moreVersions ?? 0,
  };
}

/** As `modelcars manifest` prints it; undefined where the image is not known, or nothing names a runtime. */
function manifestOf(
  session: Session,
  model: Model,
  { repository, digest }: CatalogImage,
  { namespace, pullSecrets }: GatherOptions,
): string | undefined {
  if (repository === undefined || digest === undefined) return undefined;
  const image = `${repository}@${digest}`;
  const where = namespace === undefined ? {} : { namespace };
  try {
    return toYaml([inferenceService(model, session.framework(model), { image, pullSecrets, ...where })]);
  } catch (error) {
    if (error instanceof ModelcarsError && error.code === 'catalog') return undefined;
    throw error;
  }
}
