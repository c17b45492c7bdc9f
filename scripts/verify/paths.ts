/** The models folder, without the leading slash, which tar members lack. */
export const modelsRoot = 'models';

/**
 * The path to which an extractor resolves a member's name: no leading `/` or `./`, no empty parts, `..` resolved
 * without leaving the root. The root itself is the empty string.
 */
export function cleanPath(name: string): string {
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return parts.join('/');
}

/** Whether a clean path is /models or below it. */
export function isUnderModels(path: string): boolean {
  return path === modelsRoot || path.startsWith(`${modelsRoot}/`);
}

/** The folder of a clean path; the root is the empty string. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** The last part of a clean path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/**
 * The path that a whiteout hides (image-spec layer.md, "Whiteouts"), or with `opaque` everything in that folder.
 * Undefined for other members.
 */
export function whiteoutOf(path: string): { path: string; opaque: boolean } | undefined {
  const name = baseName(path);
  const parent = parentOf(path);
  if (name === '.wh..wh..opq') return { path: parent, opaque: true };
  if (!name.startsWith('.wh.')) return undefined;
  return { path: cleanPath(`${parent}/${name.slice('.wh.'.length)}`), opaque: false };
}

/** Whether a member changes anything under /models: by its path, as a whiteout, or as a hard link to a file. */
export function touchesModels(member: { path: string; type: string; link?: string | undefined }): boolean {
  if (isUnderModels(member.path)) return true;
  const hidden = whiteoutOf(member.path);
  if (hidden !== undefined && (hidden.path === '' || isUnderModels(hidden.path))) return true;
  return member.type === 'hard link' && isUnderModels(cleanPath(member.link ?? ''));
}
