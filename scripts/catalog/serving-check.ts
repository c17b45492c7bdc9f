import { z } from 'zod';
import { checkMounts } from '../admission/pods.ts';
import { checkScaling } from '../admission/scaling.ts';
import { show } from '../text/format.ts';
import type { Diagnostic } from './diagnostics.ts';
import { defaultServingSchema, mergeServing, type ServingInput, servingSchema } from './serving.ts';
import type { YamlDocument } from './yaml-document.ts';

type Path = (string | number)[];

/** A mistake at a path of the fields below `serving:`. */
interface Mistake {
  path: [keyof ServingInput, ...Path];
  text: string;
}

/**
 * Mistakes of `serving:` that show once a model's fields are merged with the defaults', at the model's own field if it
 * has one; and two models with one InferenceService. Values that their schema rejects are left to it.
 */
export function checkServing(document: YamlDocument): Diagnostic[] {
  const { models, defaults: ofAll } = fieldsOf(document.value);
  const given = fieldsOf(ofAll).serving;
  const defaults = valid(defaultServingSchema, given);
  const common = defaults === undefined ? [] : check({}, defaults);
  const mistakes = common.map((one) => placed(document, ['defaults', 'serving'], one));
  const entries = Array.isArray(models) ? models.map(fieldsOf) : [];
  for (const [index, { serving }] of entries.entries()) {
    const own = valid(servingSchema, serving);
    if (serving === undefined || own === undefined || defaults === undefined) continue;
    const isNew = ({ path: [field], text }: Mistake) =>
      own[field] !== undefined || !common.some((one) => one.path[0] === field && one.text === text);
    const path = ['models', index, 'serving'];
    for (const one of check(defaults, own).filter(isNew)) {
      const isOwn = own[one.path[0]] !== undefined;
      const hint = isOwn ? '' : ' (`defaults:`)';
      mistakes.push(placed(document, path, { ...one, text: one.text + hint }, isOwn));
    }
  }
  return [...mistakes, ...sharedNames(document, entries)];
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return z.record(z.string(), z.unknown()).safeParse(value).data ?? {};
}

/** Undefined for a value that the schema rejects. */
function valid(schema: z.ZodType<ServingInput>, value: unknown): ServingInput | undefined {
  return value === undefined ? {} : schema.safeParse(value).data;
}

function check(defaults: ServingInput, own: ServingInput): Mistake[] {
  const serving = mergeServing(defaults, own);
  if (serving === undefined) return [];
  const { volumes = [], volumeMounts = [] } = serving;
  const names = volumes.map(({ name }) => name);
  return [
    ...checkScaling(serving).map(({ field, text }): Mistake => ({ path: [field], text })),
    ...checkMounts(names, volumeMounts).map(
      ({ index, field, text }): Mistake => ({ path: ['volumeMounts', index, field], text }),
    ),
  ];
}

function placed(document: YamlDocument, path: Path, { path: rest, text }: Mistake, isOwn = true): Diagnostic {
  const name = rest.join('.').replaceAll(/\.(\d+)/g, '[$1]');
  return {
    ...document.place(isOwn ? [...path, ...rest] : path, 'value'),
    text: `\`serving.${name}\`: ${text}`,
  };
}

/** Models that would overwrite each other's InferenceService. Two equal names of models are reported elsewhere. */
function sharedNames(document: YamlDocument, entries: readonly Record<string, unknown>[]): Diagnostic[] {
  const firsts = new Map<unknown, number>();
  return entries.flatMap(({ name, image, serving }, index) => {
    const own = fieldsOf(serving).name;
    const service = own ?? name;
    if (typeof service !== 'string' || image === 'loader') return [];
    const first = firsts.get(service);
    if (first === undefined) firsts.set(service, index);
    if (first === undefined || entries[first]?.name === name) return [];
    const path = own === undefined ? ['name'] : ['serving', 'name'];
    const { line } = document.place(['models', first], 'value');
    const text = `\`${path.join('.')}\`: the model on line ${line} has an InferenceService of the name ${show(service)}`;
    return [{ ...document.place(['models', index, ...path], 'value'), text }];
  });
}
