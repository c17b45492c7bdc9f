import { ModelcarsError } from '../errors.ts';
import type { Descriptor } from '../image/types.ts';
import { isDigest } from '../registry/reference.ts';
import type { Repository } from '../registry/repository.ts';
import { isVersionTag } from '../registry/tag-policy.ts';
import { nearest } from '../text/suggest.ts';
import { listTags } from './plan-tags.ts';

/**
 * The image of a tag or digest. Fails with code `registry` and suggests the nearest tag; `verb` and `name` are the
 * command and the model, for the message.
 */
export async function findImage(
  from: Repository,
  reference: string,
  { verb, name }: { verb: string; name: string },
): Promise<Descriptor> {
  const root = await from.resolve(reference);
  if (root !== undefined) return root;
  const { tags } = await listTags(from);
  const known = tags.filter((tag) => !/^sha256-/.test(tag));
  const near = isDigest(reference) ? undefined : nearest(reference, known);
  const latest = known.filter(isVersionTag).at(-1) ?? known.at(-1);
  const other = near ?? latest;
  throw new ModelcarsError(
    'registry',
    `${verb} ${name}: ${from.name} has no ${isDigest(reference) ? 'image' : 'tag'} ${reference}`,
    {
      next:
        other === undefined
          ? `push it first: \`modelcars push\`; ${from.name} has no tags`
          : near === undefined
            ? `push it first, or name one of its tags, such as ${other}`
            : `did you mean ${near}?`,
    },
  );
}
