import type { Allow } from '../model/trust.ts';
import { checked, glob, listOf, strict } from './fields.ts';

const importPattern = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(\.[A-Za-z_]\w*|\.\*|:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*)$/;
/** Modules of which one name is enough to run anything. */
const anyCode =
  /^(__builtin__|builtins|os|nt|posix|subprocess|sys|importlib|runpy|operator|functools|ctypes|pickle|shutil|socket)\.\*$/;

const importName = checked(
  'an import such as `my_package.transformers.Scaler`',
  (value) => {
    const expected = 'an import as the message names it: `package.module.Name`, or `package.module.*`';
    if (value.length > 512 || !importPattern.test(value)) return { expected };
    return anyCode.test(value)
      ? { expected: `${expected}, of a module that cannot run any code` }
      : undefined;
  },
  { pattern: importPattern.source, maxLength: 512 },
);

/** `allow:` of a model or of the defaults. */
export const allowSchema = strict('what unsafe files may do, as in `{imports: [my_package.Scaler]}`', {
  imports: listOf(importName, 'imports, as in `[my_package.Scaler]`')
    .describe('Imports of pickles that are meant: `module.Name`, or `module.*` for all names of a module.')
    .exactOptional(),
  code: listOf(glob, 'globs, as in `["*.py"]`')
    .describe('Globs over paths below /models: files that are code or name some (`*.py`, `auto_map`).')
    .exactOptional(),
  unread: listOf(glob, 'globs, as in `["model.h5"]`')
    .describe('Globs over paths below /models: files that cannot be checked, such as HDF5.')
    .exactOptional(),
});

/** What a model allows, in addition to the defaults; undefined when neither allows anything. */
export function mergeAllow(defaults: Allow = {}, own: Allow = {}): Allow | undefined {
  const merged: Allow = {};
  for (const field of ['imports', 'code', 'unread'] as const) {
    const all = [...new Set([...(defaults[field] ?? []), ...(own[field] ?? [])])];
    if (all.length > 0) merged[field] = all;
  }
  return Object.keys(merged).length === 0 ? undefined : merged;
}
