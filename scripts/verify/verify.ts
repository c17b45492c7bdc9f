import pLimit from 'p-limit';
import type { Digest, ImageStore } from '../image/types.ts';
import type { LockedBase } from '../model/types.ts';
import type { Check } from './check.ts';
import type { OpenWalk } from './content-walks.ts';
import { type Documents, readBaseLayers, readDocuments } from './documents.ts';
import type { Expected, ExpectedFile, Rule, ServedFiles } from './facts.ts';
import { type LayerFacts, readLayer } from './layer.ts';
import { baseRules, documentRules, layerRules } from './rules/index.ts';
import { asError, ContractViolation } from './violation.ts';

export type { ExpectedFile, ServedFiles } from './facts.ts';

export interface VerifyOptions {
  signal?: AbortSignal | undefined;
  /** Called with the number of layer bytes just read; every distinct layer is read once, as stored. */
  onBytes?(count: number): void;
  /** Called after each rule passes. */
  onCheck?(check: Check): void;
  /** Platform → manifest digest from the lock; without it the base is not checked. */
  base?: LockedBase | undefined;
  /** Where to read the manifests of `base`; without it their layers are not compared. */
  baseStore?: ImageStore | undefined;
  /** The exact files under /models, from the lock; without it any files are accepted. */
  files?: ExpectedFile[] | undefined;
  /** Files that the model server looks for; without it names are not checked. */
  served?: ServedFiles[] | undefined;
  /** Required platforms, as in `linux/amd64`; without it any platform is accepted. */
  platforms?: string[] | undefined;
  /**
   * The layers to read (default true: all). With `base`, those that the manifests of `base` in `baseStore` list; without
   * any, only index, manifests and configs are checked.
   */
  layers?: boolean | 'base';
  /** Opens a walk of the bytes of a file under /models, for a judgement of the caller's own. */
  openWalk?: OpenWalk | undefined;
}

/** Layers read at the same time. */
const parallelLayers = 3;
/** Most bytes of tar around a file's content: its header, those of its directories, long names, padding. */
const tarOverhead = 256 * 1024;
/** What the tars of one image may cost in memory: members, and bytes of their names. */
const limits = { members: 200_000, names: 32 * 1024 ** 2 };

/**
 * Reads an image back, by tag, digest or a layout's entry name, and checks it against the image contract
 * (docs/reference/image-contract.md) and the lock, rule by rule. Shares no code with the builder of images. Every layer
 * is streamed once, in constant memory. Returns the digest of the index and the checks that passed; the first violation
 * throws a ModelcarsError with code `integrity` that names the image, the platform, the layer and the member. Errors of
 * the store pass through unchanged.
 */
export async function verifyImage(
  store: ImageStore,
  name: string,
  options: VerifyOptions,
): Promise<{ digest: Digest; checks: Check[] }> {
  const checks: Check[] = [];
  const { files, served, base, platforms } = options;
  const expected: Expected = { files, served, base, platforms };
  const judge = <T extends Documents>(image: T, rules: Rule<T>[]) => {
    for (const check of judgements(image, rules, expected)) {
      checks.push(check);
      options.onCheck?.(check);
    }
  };
  try {
    options.signal?.throwIfAborted();
    const documents = await readDocuments(store, name);
    expected.baseLayers = await baseLayersOf(documents, options);
    judge(documents, documentRules);
    if (options.layers === 'base') {
      const bottom = baseOf(documents, expected.baseLayers);
      judge({ ...bottom, layers: await readLayers(store, bottom, options) }, baseRules);
    } else if (options.layers !== false)
      judge({ ...documents, layers: await readLayers(store, documents, options) }, layerRules);
    return { digest: documents.digest, checks };
  } catch (error) {
    throw asError(name, error);
  }
}

function* judgements<T extends Documents>(image: T, rules: Rule<T>[], expected: Expected): Generator<Check> {
  for (const rule of rules) {
    if ('check' in rule) {
      yield { rule: rule.name, text: rule.check(image, expected) };
      continue;
    }
    for (const one of image.images) {
      yield { rule: rule.name, text: rule.checkPlatform(image, one, expected), platform: one.platform };
    }
  }
}

/** The image without the layers above its base, which a rule on documents has compared. */
function baseOf(documents: Documents, baseLayers: Expected['baseLayers']): Documents {
  const images = documents.images.map(({ manifest, config, ...image }) => {
    const count = baseLayers?.get(image.platform)?.length ?? 0;
    const rootfs = { ...config.rootfs, diff_ids: config.rootfs.diff_ids.slice(0, count) };
    const layers = manifest.layers.slice(0, count);
    return { ...image, manifest: { ...manifest, layers }, config: { ...config, rootfs } };
  });
  return { ...documents, images };
}

async function baseLayersOf(
  { images }: Documents,
  { base, baseStore }: VerifyOptions,
): Promise<Map<string, string[]> | undefined> {
  if (base === undefined || baseStore === undefined) return undefined;
  const layers = new Map<string, string[]>();
  for (const { platform } of images) {
    const pinned = base[platform];
    if (pinned !== undefined) layers.set(platform, await readBaseLayers(baseStore, pinned));
  }
  return layers;
}

/** Reads every distinct layer once, a few at a time; the first failure stops the others. */
async function readLayers(
  store: ImageStore,
  { images }: Documents,
  options: VerifyOptions,
): Promise<Map<Digest, LayerFacts>> {
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, ...(options.signal ? [options.signal] : [])]);
  const budget = { ...limits };
  // The lock's files, as if all in one layer, with room for headers, padding and directories.
  const wanted = (options.files ?? []).reduce((sum, file) => sum + file.size + tarOverhead, tarOverhead);
  const limit = pLimit(parallelLayers);
  const layers = new Map<Digest, Promise<LayerFacts>>();
  let failure: { error: unknown } | undefined;
  for (const { platform, manifest } of images) {
    for (const layer of manifest.layers) {
      if (layers.has(layer.digest)) continue;
      const read = limit(async () => {
        signal.throwIfAborted();
        const { onBytes, openWalk } = options;
        return readLayer(store, layer, { signal, onBytes, budget, wanted, openWalk });
      });
      read.catch((error: unknown) => {
        failure ??= {
          error:
            error instanceof ContractViolation
              ? new ContractViolation(error.message, { platform, ...error.where }, error.next)
              : error,
        };
        stop.abort();
      });
      layers.set(layer.digest, read);
    }
  }
  await Promise.allSettled(layers.values());
  if (failure !== undefined) throw failure.error;
  const facts = new Map<Digest, LayerFacts>();
  for (const [digest, read] of layers) facts.set(digest, await read);
  for (const { platform, manifest } of images) {
    // A layer listed several times is read once and counted each time.
    const members = manifest.layers.reduce(
      (sum, { digest }) => sum + (facts.get(digest)?.members.length ?? 0),
      0,
    );
    if (members > limits.members)
      throw new ContractViolation('its layers have too many tar members to check', { platform });
  }
  return facts;
}
