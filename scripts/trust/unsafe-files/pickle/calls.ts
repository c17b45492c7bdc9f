import { Global, itemsOf, type Value } from '../../../artifacts/pickle/values.ts';
import { Unreadable } from '../../../artifacts/source.ts';
import type { FactsSoFar } from '../facts.ts';
import { elementType, isArrayWrapper } from './array.ts';

/**
 * Checks a call of an import whose arguments decide what it does. Throws Unreadable when they are not plain; adds the
 * import that numpy's `_ufunc_reconstruct` makes, a function that imports a name from a module, both given as texts.
 */
export function checkCall(type: Value, args: Value, facts: FactsSoFar, offset: number): void {
  // Whatever else a pickle calls, it has built itself.
  if (!(type instanceof Global)) throw new Unreadable('calls something other than an import');
  const items = itemsOf(args);
  if (isArrayWrapper(type)) throw new Unreadable('makes an array in an unusual way');
  if (type.name === '_reconstructor' && !(items[0] instanceof Global))
    throw new Unreadable('calls something other than an import');
  // numpy's scalar returns its second argument as it is when the first is the type of objects.
  if (type.name === 'scalar' && elementType(items[0])?.hasObjects !== false)
    throw new Unreadable('makes a scalar of a type that cannot be read');
  if (type.name !== '_ufunc_reconstruct') return;
  const [module, name] = items;
  if (typeof module !== 'string' || typeof name !== 'string' || !/^numpy(\.|$)/.test(module))
    throw new Unreadable('makes the name of an import in a way that cannot be followed');
  facts.import(module, name, offset);
}
