import { FAILSAFE_SCHEMA, load } from 'js-yaml';
import { cleaned } from './html.ts';

/** Bytes of a README.md that are read at most: evaluation results in its front matter can take 500 kB. */
export const mostCardBytes = 2 * 1024 ** 2;
/** Characters of its text that are shown at most. */
const mostShown = 200_000;
/** Characters of front matter that are parsed at most. */
const mostFrontMatter = 512 * 1024;
/** Items of a list, and characters of an item. */
const mostItems = 64;
const longestItem = 128;

/** A README.md in parts. */
export interface ParsedCard {
  /** Markdown without front matter. */
  text: string;
  isCut: boolean;
  /** What its front matter says; only short lines are taken. */
  languages: string[];
  datasets: string[];
  baseModels: string[];
  task: string | undefined;
  licence: string | undefined;
}

/** Splits a model card (huggingface.co/docs/hub/model-cards): front matter in YAML, and Markdown. Never fails. */
export function parseCard(readme: string): ParsedCard {
  const whole = cleaned(readme.replace(/^\ufeff/, ''));
  const [start, matter = ''] = /^---[ \t]*\n(?:([\s\S]*?)\n)?(?:---|\.\.\.)[ \t]*(?:\n|$)/.exec(whole) ?? [
    '',
  ];
  const data = matter.length > mostFrontMatter ? {} : readMatter(matter);
  const text = whole.slice(start.length).trim();
  const end = text.length > mostShown ? text.lastIndexOf('\n', mostShown) : text.length;
  return {
    text: text.slice(0, end > 0 ? end : mostShown),
    isCut: text.length > mostShown,
    languages: linesOf(data.language),
    datasets: linesOf(data.datasets),
    baseModels: linesOf(data.base_model),
    task: linesOf(data.pipeline_tag)[0],
    licence: linesOf(data.license)[0],
  };
}

function readMatter(text: string): Record<string, unknown> {
  try {
    const data: unknown = load(text, { schema: FAILSAFE_SCHEMA });
    return typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** The short lines of a value that is one or a list of them. */
function linesOf(value: unknown): string[] {
  const items: unknown[] = Array.isArray(value) ? value.slice(0, mostItems) : [value];
  const lines = items.flatMap((item) => (typeof item === 'string' ? [item.trim()] : []));
  return [
    ...new Set(
      lines.filter((line) => line !== '' && line.length <= longestItem && !/\p{Cc}|\p{Cf}/u.test(line)),
    ),
  ];
}
