import picomatch from 'picomatch';
import type { PlatformImage } from '../documents.ts';
import { type Expected, type Facts, layersOf, modelMembers } from '../facts.ts';
import { isUnderModels, modelsRoot, parentOf } from '../paths.ts';
import { hasProgram, pathFolders } from '../programs.ts';
import { Tree } from '../tree.ts';
import { ContractViolation, count, shown } from '../violation.ts';

/** The rules about the layers' combined content. */

/**
 * The programs that KServe's modelcar containers run: the sidecar `sh ln sleep`, the init container `ls mkdir`
 * (pkg/utils/storage.go).
 */
const tools = ['sh', 'ln', 'sleep', 'ls', 'mkdir'];

/** Each layer, read to its end, has the digest and the size of its descriptor. */
export function blobs(image: Facts): string {
  const layers = [...image.layers.values()];
  const bytes = layers.reduce((total, layer) => total + layer.size, 0);
  return `${count(layers.length, 'layer')}, ${bytes} bytes: digests and sizes are right`;
}

/**
 * The diff_ids are the digests of the uncompressed layers (image-spec config.md, "Layer DiffID"): engines check them
 * when they unpack.
 */
export function diffIds(image: Facts): string {
  for (const platformImage of image.images) {
    const { platform, config } = platformImage;
    layersOf(image, platformImage).forEach(({ digest, diffId }, at) => {
      const said = config.rootfs.diff_ids[at] ?? '';
      if (said !== diffId)
        throw new ContractViolation(
          `uncompressed it has the digest ${diffId}, the config has ${shown(said)}`,
          {
            platform,
            layer: digest,
          },
        );
    });
  }
  return 'diff_ids are the digests of the uncompressed layers';
}

/** The base does not change /models, not even through links and deletions, and all its layers are below the model's. */
export function baseApart(image: Facts): string {
  for (const platformImage of image.images) {
    const { platform } = platformImage;
    const tree = new Tree();
    let modelBegun = false;
    for (const { digest, members, isModel } of layersOf(image, platformImage)) {
      const where = { platform, layer: digest };
      const stranger = members.find((member) => member.path !== '' && !isUnderModels(member.path));
      if (isModel && stranger !== undefined)
        throw new ContractViolation(
          `the layer holds /models and more (${shown(stranger.name)}): the base must leave /models alone`,
          where,
        );
      if (modelBegun && !isModel)
        throw new ContractViolation(
          'the layer is above the model layers, but has no files under /models',
          where,
        );
      modelBegun ||= isModel;
      for (const member of isModel ? [] : members) {
        const place = tree.add(member);
        if (isUnderModels(place))
          throw new ContractViolation(`ends up at /${shown(place)} through a link`, {
            ...where,
            member: member.name,
          });
      }
    }
  }
  return 'the base leaves /models alone';
}

/** The same for layers that are all of the base. */
export function baseAlone(image: Facts): string {
  for (const platformImage of image.images) {
    for (const { digest, members, isModel } of layersOf(image, platformImage)) {
      const member = members.find(({ path }) => isUnderModels(path));
      if (isModel)
        throw new ContractViolation('a base must not contain /models', {
          platform: platformImage.platform,
          layer: digest,
          member: member?.name,
        });
    }
  }
  return baseApart(image);
}

/** All platforms have the same model layers in the same order, so a model is stored and pulled once. */
export function shared(image: Facts): string {
  const lists = image.images.map((one) => ({
    platform: one.platform,
    digests: layersOf(image, one).flatMap((layer) => (layer.isModel ? [layer.digest] : [])),
  }));
  const [first] = lists;
  for (const { platform, digests } of lists) {
    if (digests.join() !== first?.digests.join()) {
      const at = digests.findIndex((digest, index) => digest !== first?.digests[index]);
      throw new ContractViolation(`its model layers differ from those of ${first?.platform}`, {
        platform,
        layer: digests[at],
      });
    }
  }
  return `${count(first?.digests.length ?? 0, 'model layer')}, the same on every platform`;
}

/** /models contains exactly the locked files, each with its size and sha256, and the directories they need. */
export function files(image: Facts, expected: Expected): string {
  if (expected.files === undefined) {
    const own = modelMembers(image).filter(({ member }) => member.type === 'file').length;
    return `${count(own, 'file')} (not compared with a lock)`;
  }
  const missing = new Map(expected.files.map((file) => [`${modelsRoot}/${file.path}`, file]));
  const directories = new Set([modelsRoot]);
  for (const file of missing.keys()) {
    for (let folder = parentOf(file); folder !== ''; folder = parentOf(folder)) directories.add(folder);
  }
  const next = 'run `modelcars lock --upgrade` if the model was meant to change, then build again';
  for (const { member, where } of modelMembers(image)) {
    if (member.type === 'directory') {
      if (!directories.has(member.path))
        throw new ContractViolation('is a directory without any locked file', where, next);
      continue;
    }
    const file = missing.get(member.path);
    if (file === undefined) throw new ContractViolation('is not in the lock', where, next);
    if (member.size !== file.size)
      throw new ContractViolation(`has ${member.size} bytes, the lock has ${file.size}`, where, next);
    if (member.sha256 !== file.sha256)
      throw new ContractViolation(
        `has the sha256 ${member.sha256}, the lock has ${file.sha256}`,
        where,
        next,
      );
    missing.delete(member.path);
  }
  const [lost] = missing.keys();
  if (lost !== undefined) throw new ContractViolation(`${shown(lost)} is missing, the lock has it`, {}, next);
  const bytes = expected.files.reduce((total, file) => total + file.size, 0);
  return `${count(expected.files.length, 'file')}, ${bytes} bytes: sizes and sha256 as locked, nothing more`;
}

/**
 * The model server finds its files by name: KServe reports some servers Ready that found none. XGBoost also opens
 * model.bst only through the sidecar's /proc/<pid>/root (frameworks/xgboost).
 */
export function served(image: Facts, expected: Expected): string {
  if (expected.served === undefined) return 'names not checked: no framework given';
  const own = modelMembers(image)
    .filter(({ member }) => member.type === 'file')
    .map(({ member }) => member.path.slice(modelsRoot.length + 1));
  for (const { anyOf, why } of expected.served) {
    const matches = picomatch(anyOf, { dot: true });
    if (own.some((path) => matches(path))) continue;
    const names = anyOf.join(' or ');
    throw new ContractViolation(
      `no file under ${modelsRoot}/ is named ${names} (found: ${own.slice(0, 5).map(shown).join(', ') || 'nothing'}): ${why}`,
      {},
      `rename the model's file to ${anyOf[0]}: \`files: {${anyOf[0]}: …}\` in models.yaml; then lock and build again`,
    );
  }
  return `the model server finds ${expected.served.map(({ anyOf }) => anyOf.join(' or ')).join(', ')}`;
}

/**
 * The base has the programs that KServe's sidecar runs, on its PATH and executable by any user: scratch is not enough
 * for oci://.
 */
export function baseTools(image: Facts, platformImage: PlatformImage): string {
  const tree = new Tree();
  for (const { members } of layersOf(image, platformImage)) for (const member of members) tree.add(member);
  const folders = pathFolders(platformImage.config.config?.Env ?? []);
  for (const tool of tools) {
    if (hasProgram(tree, folders, tool)) continue;
    throw new ContractViolation(
      `the base has no \`${tool}\` that any user can run on ${shown(folders.join(':'))}: KServe's oci:// sidecar cannot run`,
      { platform: platformImage.platform },
      'set `base: embedded` or another base with a shell and coreutils',
    );
  }
  return `the base has ${tools.join(' ')}: KServe's sidecar can run`;
}
