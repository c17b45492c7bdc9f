import type { Args, ArgValues } from './option.ts';

/** T with every key that can be undefined made optional instead. */
export type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Without the keys whose value is undefined: exactOptionalPropertyTypes distinguishes "absent" from "undefined". */
export function defined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as Defined<T>;
}

/** The values of the arguments in `group` only, without undefined ones. */
export function pick<A extends Args, V extends Partial<ArgValues<A>>>(
  values: V,
  group: A,
): Defined<Pick<V, keyof A & keyof V>> {
  const own = Object.fromEntries(Object.entries(values).filter(([key]) => key in group));
  return defined(own as Pick<V, keyof A & keyof V>);
}
