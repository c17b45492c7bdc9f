import { type Container, type Directory, dag, type File, func, object, type Secret } from '@dagger.io/dagger';
import { buildContainer, buildLayout, type Selection } from './catalog.ts';
import type { Image } from './image.ts';
import { type LayoutSummary, summariesOf } from './layout-summary.ts';
import { type ImageRefs, type Overrides, type Settings, settingsOf } from './program.ts';
import { registryOf } from './registry.ts';

/** One model of a catalog, with results that other modules go on with */
@object()
export class Model implements Settings {
  // Without a constructor: Dagger takes a constructor's parameters for arguments of the API. `modelOf` sets the fields.
  declare program: Container;
  declare connected: Container;
  declare connection: string[];
  declare signing: Container;
  declare signingFlags: string[];
  declare sigstoreFlags: string[];
  declare trustFlags: string[];
  declare variables: string[];
  declare imageRefs: ImageRefs;
  declare overrides: Overrides;
  declare kindFiles: Container;
  declare kindFlags: string[];
  declare kindProgram?: File;
  declare source: Directory;
  declare model: string;

  /**
   * Build it: a container to look into, export or hand to another module
   *
   * Its digest is not that of the pushed image, since the engine writes config and manifest anew; `layout` keeps it.
   *
   * @param platform Of the container; the engine's own when not given
   * @param version Version of the image: v1.2.3
   */
  @func()
  async container(platform: string = '', version: string = ''): Promise<Container> {
    const own = platform || String(await dag.defaultPlatform());
    return await buildContainer(this, this.selection(version), own);
  }

  /**
   * Build it: an OCI image layout, with a summary in summary.txt
   *
   * @param version Version of the image: v1.2.3
   */
  @func()
  async layout(version: string = ''): Promise<Directory> {
    return await buildLayout(this, this.selection(version));
  }

  /**
   * Build it, and say what the image is: `… model --name iris summary digest`
   *
   * @param version Version of the image: v1.2.3
   */
  @func()
  async summary(version: string = ''): Promise<LayoutSummary> {
    const [summary] = await summariesOf(await this.layout(version));
    if (summary === undefined) throw new Error(`no image of ${this.model} in its layout`);
    return summary;
  }

  /**
   * Push it, and give the image with its digest: `… model --name iris push --registry quay.io/me ref`
   *
   * @param registry Registry and path to push to: quay.io/me
   * @param version Version of the image: v1.2.3
   * @param username For the registry
   * @param password For the registry: env:QUAY_TOKEN
   */
  @func({ cache: 'never' })
  async push(
    registry: string = '',
    version: string = '',
    username: string = '',
    password?: Secret,
  ): Promise<Image> {
    const access = { address: registry, username, password, insecure: [], createRepository: false };
    return await registryOf(this, access).image(this.model, this.source, version);
  }

  private selection(version: string): Selection {
    return { source: this.source, models: [this.model], only: [], version };
  }
}

/** A model of a catalog, by its name; nothing is read yet. */
export function modelOf(object: Settings, model: string, source: Directory): Model {
  return Object.assign(new Model(), { ...settingsOf(object), model, source });
}
