import { ModelcarsError } from '../errors.ts';
import type { ImageStore } from '../image/types.ts';
import { plain } from '../text/format.ts';
import { type LayerFacts, readLayer } from '../verify/layer.ts';
import { isUnderModels, touchesModels } from '../verify/paths.ts';
import { Tree } from '../verify/tree.ts';
import { ContractViolation, short } from '../verify/violation.ts';
import type { Base } from './base-image.ts';

/** Memory limits for the tars of one base: members, and bytes of their names. As in `verify`. */
const limits = { members: 200_000, names: 32 * 1024 ** 2 };

/**
 * Reads a base's layers once, before it is pinned: they must unpack to the digests in its config, within limits, and
 * leave /models alone, also through links and deletions. Anything a base had there would be served along with the
 * model, or in its place. Fails with code `integrity`, naming the layer and the member.
 */
export async function examineBase(store: ImageStore, base: Base, signal: AbortSignal): Promise<void> {
  const tree = new Tree();
  const budget = { ...limits };
  const known = new Map<string, LayerFacts>();
  for (const [at, layer] of base.layers.entries()) {
    try {
      const facts = known.get(layer.digest) ?? (await readLayer(store, layer, { signal, budget }));
      known.set(layer.digest, facts);
      judge(facts, base.config.rootfs.diff_ids[at] ?? '', tree);
    } catch (error) {
      if (!(error instanceof ContractViolation)) throw error;
      const { os, architecture } = base.platform;
      const member = error.where.member === undefined ? '' : `${plain(error.where.member)}: `;
      throw new ModelcarsError(
        'integrity',
        `use base ${base.name} (${os}/${architecture}): ${member}${error.message} (layer ${short(layer.digest)})`,
        { next: 'choose another base: nothing was locked', cause: error },
      );
    }
  }
}

function judge({ diffId, members }: LayerFacts, promised: string, tree: Tree): void {
  if (diffId !== promised)
    throw new ContractViolation(`unpacked, the layer has the digest ${diffId}, the config has ${promised}`);
  for (const member of members) {
    const where = { member: member.name };
    if (touchesModels(member)) throw new ContractViolation('a base must not contain /models', where);
    const place = tree.add(member);
    if (isUnderModels(place))
      throw new ContractViolation(`ends up at /${plain(place)} through a link`, where);
  }
}
