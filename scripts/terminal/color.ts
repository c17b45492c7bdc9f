import { styleText } from 'node:util';

/** The styles that the output uses; each returns its text unchanged when colour is off. */
export interface Colors {
  enabled: boolean;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
  bold(text: string): string;
  dim(text: string): string;
}

/** The input of the colour decision: a stream that may be a terminal. */
export interface MaybeTerminal {
  isTTY?: boolean | undefined;
}

/**
 * Whether to colour output to `stream`. FORCE_COLOR wins (`0` and `false` mean off), as in Node itself, then NO_COLOR
 * (any non-empty value: https://no-color.org), then TERM=dumb, then whether the stream is a terminal.
 */
export function wantsColor(stream: MaybeTerminal, environment: NodeJS.ProcessEnv = process.env): boolean {
  const forced = environment.FORCE_COLOR;
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  if (environment.NO_COLOR) return false;
  if (environment.TERM === 'dumb') return false;
  return stream.isTTY === true;
}

/** The styles for one stream. */
export function createColors(stream: MaybeTerminal, environment?: NodeJS.ProcessEnv): Colors {
  const enabled = wantsColor(stream, environment);
  const style = (format: Parameters<typeof styleText>[0]) => (text: string) =>
    enabled && text !== '' ? styleText(format, text, { validateStream: false }) : text;
  return {
    enabled,
    red: style('red'),
    green: style('green'),
    yellow: style('yellow'),
    cyan: style('cyan'),
    bold: style('bold'),
    dim: style('dim'),
  };
}
