import { type Facts, modelLayers, modelMembers } from '../facts.ts';
import { isUnderModels, modelsRoot, parentOf, whiteoutOf } from '../paths.ts';
import { ContractViolation, count, rebuild, shown } from '../violation.ts';

/** The rules for every member of every model layer. */

/** Plain GNU tar to the last byte: scanners fail on PAX, and bytes that only some readers see can hide content. */
export function format(image: Facts): string {
  const members = modelMembers(image);
  for (const { member, where } of members)
    if (member.odd !== undefined) throw new ContractViolation(member.odd, where);
  for (const layer of modelLayers(image))
    if (layer.odd !== undefined) throw new ContractViolation(`the tar ${layer.odd}`, { layer: layer.digest });
  return `${count(members.length, 'tar member')} in ${count(modelLayers(image).length, 'model layer')}: GNU format, no PAX`;
}

/** Names are `models` or `models/…`, in one spelling: KServe's oci+fetch:// skips `./models/…`, and `..` escapes. */
export function names(image: Facts): string {
  const members = modelMembers(image);
  for (const { member, where } of members) {
    if (!isUnderModels(member.path))
      throw new ContractViolation(`is outside ${modelsRoot}/, in a layer with model files`, where);
    const plain = member.type === 'directory' ? [member.path, `${member.path}/`] : [member.path];
    if (!plain.includes(member.name))
      throw new ContractViolation(`the name is not canonical, it should be ${shown(member.path)}`, where);
  }
  return 'all names in these layers start with models/';
}

/** No whiteouts: one under /models means that the image was changed after it was built. */
export function whiteouts(image: Facts): string {
  for (const { member, where } of modelMembers(image)) {
    if (whiteoutOf(member.path) !== undefined)
      throw new ContractViolation('is a whiteout: engines treat it as a deletion', where);
  }
  return 'no whiteouts';
}

/**
 * Directories and regular files only: a link points elsewhere, in KServe's other container even to a different file.
 */
export function types(image: Facts): string {
  for (const { member, where } of modelMembers(image)) {
    if (member.type !== 'file' && member.type !== 'directory')
      throw new ContractViolation(
        `is a ${shown(member.type)}, the contract requires directories and regular files only`,
        where,
      );
  }
  return 'only directories and regular files, no links';
}

/** 1001:0 and no names: OpenShift runs a container as a random user in group 0, and names differ between bases. */
export function owner(image: Facts): string {
  for (const { member, where } of modelMembers(image)) {
    if (member.uid !== 1001 || member.gid !== 0)
      throw new ContractViolation(
        `owner is ${member.uid}:${member.gid}, the contract requires 1001:0`,
        where,
        `chown it to 1001:0, or OpenShift's random user may be unable to read it; ${rebuild}`,
      );
    const name = member.uname || member.gname;
    if (name !== '')
      throw new ContractViolation(`has the owner name ${shown(name)}, the contract allows none`, where);
  }
  return 'all are owned by 1001:0, without names';
}

/** 0444 and 0555: any user can read, and no server can change a shared model. */
export function modes(image: Facts): string {
  let files = 0;
  let directories = 0;
  for (const { member, where } of modelMembers(image)) {
    const mode = member.type === 'directory' ? 0o555 : 0o444;
    if (member.mode !== mode)
      throw new ContractViolation(
        `mode is ${octal(member.mode)}, the contract requires ${octal(mode)}`,
        where,
        `chmod it to ${octal(mode)}, so that any user the pod runs as can read it; ${rebuild}`,
      );
    if (member.type === 'directory') directories++;
    else files++;
  }
  return `${count(files, 'file')} 0444, ${count(directories, 'directory')} 0555: any user can read, none can write`;
}

/** One mtime for all, the image's: the build time must not show, or the same files would give other digests. */
export function times(image: Facts): string {
  const created = image.images[0]?.config.created ?? '';
  const time = Math.floor(Date.parse(created) / 1000);
  for (const { member, where } of modelMembers(image)) {
    if (member.mtime !== time)
      throw new ContractViolation(
        `time is ${member.mtime}, that of the image is ${time} (${created})`,
        where,
      );
  }
  return `all have the time ${time} (${created})`;
}

/** Byte order of paths within a layer, without duplicates: the same files then give the same bytes. */
export function order(image: Facts): string {
  for (const layer of modelLayers(image)) {
    layer.members.forEach((member, at) => {
      const before = layer.members[at - 1];
      if (before === undefined) return;
      const relation = Buffer.compare(Buffer.from(before.path), Buffer.from(member.path));
      const where = { platform: image.images[0]?.platform, layer: layer.digest, member: member.name };
      if (relation === 0) throw new ContractViolation('is in the layer twice', where);
      if (relation > 0)
        throw new ContractViolation(
          `comes after ${shown(before.name)}, the contract requires byte order`,
          where,
        );
    });
  }
  return 'members are in byte order';
}

/** No layer hides a file of another layer: the files checked are the files served. */
export function shadows(image: Facts): string {
  const seen = new Map<string, string>();
  for (const { member, where } of modelMembers(image)) {
    const before = seen.get(member.path);
    if (before !== undefined && (before !== 'directory' || member.type !== 'directory'))
      throw new ContractViolation('is in an earlier layer too', where);
    seen.set(member.path, member.type);
  }
  return 'no path is in two layers';
}

/** Every directory has its own member before its first file: otherwise the engine creates it, with its own mode and owner. */
export function parents(image: Facts): string {
  const directories = new Set<string>();
  for (const { member, where } of modelMembers(image)) {
    if (member.path !== modelsRoot && !directories.has(parentOf(member.path)))
      throw new ContractViolation(
        `its directory ${shown(parentOf(member.path))} has no tar member before it`,
        where,
      );
    if (member.type === 'directory') directories.add(member.path);
  }
  return `${count(directories.size, 'directory')} with members of their own`;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
