import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { ModelcarsError } from '../errors.ts';
import { pathError } from '../files/atomic.ts';
import { formatPlatform } from '../image/platform.ts';
import { parseIndex, parseManifest } from '../image/schema.ts';
import type { Descriptor, ImageStore } from '../image/types.ts';
import { Layout } from '../layout/layout.ts';
import { isModel } from '../model/catalog-entry.ts';
import type { CatalogEntry, Loader, Model } from '../model/types.ts';
import { silentTask, type Task } from '../terminal/types.ts';
import { plain } from '../text/format.ts';
import { findScanner } from '../trust/vulnerabilities/find-scanner.ts';
import { blocking, checkDatabase, countSeverities, vulnerable } from '../trust/vulnerabilities/judge.ts';
import type { Scanner, ScanOptions } from '../trust/vulnerabilities/types.ts';
import { assemble } from './assemble.ts';
import { Once } from './once.ts';
import { planImage } from './plan-image.ts';
import type { Session } from './session.ts';
import type { ImageScan, Outcome, ScanOutcome } from './types.ts';

/** An image in the temporary layout. */
interface Target extends Pick<ImageScan, 'image' | 'platform'> {
  manifest: Descriptor;
  /** What messages call it. */
  name: string;
  /** The step that replaces it. */
  next: string;
}

interface Scanned {
  scan: ImageScan;
  scanner: ScanOutcome['scanner'];
  failure?: ModelcarsError;
}

/** Vulnerabilities of one image that an outcome lists. */
const mostListed = 1000;
/** The one entry of the temporary layout: scanners want a layout of one image. */
const entry = 'scan';

/**
 * The vulnerability scans of one run: of each base image and platform once, however many models have it, and of each
 * loader's whole image. A model's own files are data, for which no vulnerability database has entries. Scanners run one
 * at a time, on an OCI image layout in a temporary folder: they need neither a registry nor a container engine.
 */
export class ImageScans implements AsyncDisposable {
  readonly #session: Session;
  readonly #options: ScanOptions;
  readonly #scanner: Scanner;
  readonly #layout: Layout;
  readonly #one = pLimit(1);
  readonly #bases = new Once<string, Scanned>();
  readonly #outcomes = new Map<string, ScanOutcome>();

  private constructor(session: Session, options: ScanOptions, scanner: Scanner, layout: Layout) {
    this.#session = session;
    this.#options = options;
    this.#scanner = scanner;
    this.#layout = layout;
  }

  /**
   * Finds the scanner; undefined when no scan is wanted, and for a dry run. Fails with code `scan` when PATH has none.
   */
  static async open(session: Session): Promise<ImageScans | undefined> {
    const { scan, dryRun } = session.options;
    if (scan === undefined || dryRun) return undefined;
    const scanner = await findScanner(scan.scanner);
    try {
      const folder = await mkdtemp(join(tmpdir(), 'modelcars-scan-'));
      return new ImageScans(session, scan, scanner, await Layout.create(folder));
    } catch (error) {
      throw pathError(`make a folder in ${tmpdir()}`, error);
    }
  }

  /**
   * Scans the images of a model: its base on every platform, or a loader's whole image. Fails with code `scan` when one
   * has a vulnerability that blocks, and when the scanner gives no answer to rely on.
   */
  async check(model: CatalogEntry, task: Task): Promise<void> {
    task.note(`scanning with ${this.#scanner.name}`);
    const all = await (isModel(model) ? this.#scanBases(model) : this.#one(() => this.#scanLoader(model)));
    const [first] = all;
    if (first === undefined) return;
    const { failOn } = this.#options;
    this.#outcomes.set(model.name, { scanner: first.scanner, failOn, images: all.map(({ scan }) => scan) });
    const failure = all.find((one) => one.failure !== undefined)?.failure;
    if (failure !== undefined) throw failure;
  }

  /** The outcomes with what the scans found. */
  attach(outcomes: Outcome[]): Outcome[] {
    return outcomes.map((outcome) => {
      const scan = this.#outcomes.get(outcome.model);
      return scan === undefined ? outcome : { ...outcome, scan };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#layout.close();
    await rm(this.#layout.folder, { recursive: true, force: true });
  }

  async #scanBases(model: Model): Promise<Scanned[]> {
    const {
      bases,
      locked,
      options: { signal },
    } = this.#session;
    const { base: image, platforms } = model;
    const next =
      image === 'embedded'
        ? 'update modelcars, which contains this base, or choose another `base:`'
        : 'take a newer base with `modelcars lock --upgrade`';
    // One after the other: a failure must not leave another scan behind, whose files are then deleted.
    const scanned: Scanned[] = [];
    for (const platform of platforms) {
      const pin = await locked.pin(model, platform);
      const scan = async () => {
        await bases.open(image, platform, pin); // checks that it is the pinned image, of this platform
        const store = await bases.store(image);
        const manifest = await store.resolve(pin);
        if (manifest === undefined)
          throw new ModelcarsError('registry', `scan base ${plain(image)}: ${pin} no longer exists`);
        await copyImage(store, manifest, this.#layout, signal);
        return await this.#scan({ image, platform, manifest, next, name: `base ${plain(image)}` });
      };
      scanned.push(await this.#bases.get(`${image} ${platform} ${pin}`, () => this.#one(scan)));
    }
    return scanned;
  }

  /** The image as it would be pushed, with modelcars in it. */
  async #scanLoader(loader: Loader): Promise<Scanned[]> {
    const plan = await planImage(this.#session, loader);
    const { index } = await assemble(this.#session, plan, this.#layout, silentTask);
    const { name } = loader;
    const next = 'take a newer base with `modelcars lock --upgrade`, or update modelcars';
    const scanned: Scanned[] = [];
    for (const manifest of parseIndex(await this.#layout.read(index.descriptor), name).manifests) {
      const platform = manifest.platform === undefined ? '' : formatPlatform(manifest.platform);
      scanned.push(await this.#scan({ image: name, platform, manifest, next, name }));
    }
    return scanned;
  }

  async #scan({ image, platform, manifest, name, next }: Target): Promise<Scanned> {
    const { signal, catalog } = this.#session.options;
    const { failOn, maxDatabaseAge } = this.#options;
    const { ignoreFile } = this.#scanner;
    await this.#layout.tag(entry, manifest);
    const context = { folder: catalog.directory, maxDatabaseAge, signal };
    const report = await this.#scanner.scan(this.#layout.folder, context);
    checkDatabase(this.#scanner, report, maxDatabaseAge);
    const found = blocking(report.vulnerabilities, failOn);
    const scan: ImageScan = {
      image,
      digest: manifest.digest,
      platform,
      counts: countSeverities(report.vulnerabilities),
      vulnerabilities: found.slice(0, mostListed),
    };
    const { version, database } = report;
    const scanner = { name: this.#scanner.name, version, database: database?.toISOString() ?? '' };
    if (found.length === 0) return { scan, scanner };
    const ignore = `or let ${ignoreFile} beside models.yaml ignore what does no harm here`;
    const failure = vulnerable(`${name} (${platform})`, found, { failOn, next: `${next}, ${ignore}` });
    return { scan, scanner, failure };
  }
}

/** Copies an image of one platform, in place of earlier ones: layers and config, then the manifest. */
async function copyImage(
  store: ImageStore,
  manifest: Descriptor,
  layout: Layout,
  signal: AbortSignal,
): Promise<void> {
  await layout.collect();
  const bytes = await store.read(manifest);
  const { config, layers } = parseManifest(bytes, manifest.digest);
  for (const blob of [...layers, config]) {
    if (await layout.has(blob)) continue;
    const open = (offset?: number) => store.open(blob, offset, signal);
    await layout.write({ ...blob, open }, { signal });
  }
  async function* open() {
    yield bytes;
  }
  await layout.write({ ...manifest, open }, { signal });
}
