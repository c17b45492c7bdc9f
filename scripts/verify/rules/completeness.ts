import picomatch from 'picomatch';
import { findIncomplete } from '../../formats/find-incomplete.ts';
import { type Expected, type Facts, modelMembers } from '../facts.ts';
import { modelsRoot } from '../paths.ts';
import { ContractViolation, count, shown } from '../violation.ts';

/**
 * The model is complete: no Git LFS pointer, web page or empty file in place of weights; safetensors headers fit their
 * files; every file that weight indexes, ONNX models and shard numbers name is in the image.
 */
export function whole(image: Facts, expected: Expected): string {
  const members = modelMembers(image).filter(({ member }) => member.type === 'file');
  const files = members.map(({ member: { path, size, finding } }) => ({
    path: path.slice(modelsRoot.length + 1),
    size,
    finding,
  }));
  const needed = (expected.served ?? []).map(({ anyOf }) => picomatch(anyOf, { dot: true }));
  const incomplete = findIncomplete(files, needed);
  if (incomplete === undefined)
    return `${count(files.length, 'file')}: none missing, truncated or a placeholder`;
  const place = members.find(({ member }) => member.path === `${modelsRoot}/${incomplete.path}`)?.where;
  const next = 'complete the model at its source, then run `modelcars lock --upgrade` and build again';
  throw new ContractViolation(shown(incomplete.problem), place ?? {}, next);
}
