import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { shellWord } from './shell.ts';

it('quotes what a shell would not take as it is', () => {
  expect(shellWord('--max-model-len=4096')).toBe('--max-model-len=4096');
  expect(shellWord("it's $HOME")).toBe(`'it'\\''s $HOME'`);
  expect(shellWord('')).toBe(`''`);
});

it('gives a shell back every text, evaluated or not', () => {
  const texts = ['{"image": 2}', '~', '*', 'a;b', '$(id)', '`id`', "''", '\\', '-n', 'a\nb', '#', '!', 'é'];
  const print = (script: string) =>
    execFileSync('sh', ['-c', script, 'sh', ...texts.map(shellWord)]).toString();
  const all = texts.map((text) => `${text}\0`).join('');
  expect(print(`printf '%s\\0' ${texts.map(shellWord).join(' ')}`)).toBe(all);
  // As KServe's preset does it with the arguments of an LLMInferenceService.
  expect(print(`eval "printf '%s\\0' $@"`)).toBe(all);
});
