import { ModelcarsError } from '../errors.ts';
import { formatPlatform } from '../image/platform.ts';
import { parseIndex } from '../image/schema.ts';
import type { Descriptor } from '../image/types.ts';
import { programVersion } from '../package.ts';
import { bomStatementOf } from '../trust/attestations/bom/bom.ts';
import type { Environment } from '../trust/attestations/builder.ts';
import type { Software } from '../trust/attestations/packages/types.ts';
import { provenanceOf } from '../trust/attestations/provenance.ts';
import { attestedCatalog } from '../trust/attestations/repository.ts';
import type { Statement } from '../trust/attestations/statement.ts';
import type { AttestedImage } from '../trust/attestations/types.ts';
import type { ImagePlan } from './plan-image.ts';
import type { Session } from './session.ts';

/** An image's index, as written or as found. */
export interface AttestedIndex {
  descriptor: Descriptor;
  bytes: Uint8Array;
}

/**
 * What statements say of an image that was made from this plan, under this name: its repository, or its name in a layout.
 * The caller has written the index or compared it with the plan. Reads the catalog, its lock and their git repository.
 */
export async function attestedImage(
  session: Session,
  plan: Pick<ImagePlan, 'model' | 'files' | 'layers' | 'bases'>,
  name: string,
  { descriptor, bytes }: AttestedIndex,
): Promise<AttestedImage> {
  const { model, layers, bases } = plan;
  const { mediaType, digest, size } = descriptor;
  const root = layers[0]?.plan.root ?? 'models';
  return {
    model,
    locked: await session.locked.model(model),
    files: [...plan.files].map(([path, { uri, revision, ...file }]) => ({
      path: `${root}/${path}`,
      locked: file.source === undefined ? file : { ...file, revision },
    })),
    image: {
      name,
      index: { mediaType, digest, size },
      platforms: parseIndex(bytes, name).manifests.map(({ platform, ...manifest }) => {
        const text = platform === undefined ? '' : formatPlatform(platform);
        const base = bases.find((one) => formatPlatform(one.platform) === text);
        if (base === undefined)
          throw new ModelcarsError('bug', `describe ${name}: the plan has no base for ${text}`);
        return { platform: text, manifest, base: { reference: base.name, digest: base.digest } };
      }),
    },
    epoch: session.epoch,
    catalog: await attestedCatalog(session.options.catalog),
    program: programVersion(),
  };
}

/** What is known of the base images of a plan, by platform: reads their layers. */
export async function softwareOfBases(
  session: Session,
  { bases }: Pick<ImagePlan, 'bases'>,
): Promise<Map<string, Software>> {
  const found = new Map<string, Software>();
  for (const base of bases) found.set(formatPlatform(base.platform), await session.bases.software(base));
  return found;
}

/** The statement with an image's bill of materials. Reads the layers of its base images, once per run. */
export async function bomStatement(
  session: Session,
  plan: Pick<ImagePlan, 'bases'>,
  image: AttestedImage,
): Promise<Statement> {
  return bomStatementOf(image, await softwareOfBases(session, plan));
}

/** The statement with an image's provenance; `env` has the variables of the CI system, such as process.env. */
export function provenanceStatement(image: AttestedImage, env: Environment): Statement {
  return provenanceOf(image, env);
}
