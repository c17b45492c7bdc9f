import { createContext, Script } from 'node:vm';
import { z } from 'zod';
import type { CompletionExpectation, TextExpectation } from '../../../model/types.ts';
import type { AnswerCheck } from './compare-values.ts';
import { notAnAnswer, show } from './text.ts';

const usage = z.object({
  prompt_tokens: z.number(),
  completion_tokens: z.number(),
  total_tokens: z.number(),
});
const finish = z.string().nullish();
/** OpenAI's "create completion" and "create chat completion", as vLLM and KServe's huggingfaceserver return them. */
const responseSchema = z.object({
  choices: z.array(
    z.union([
      z.object({ text: z.string(), finish_reason: finish }),
      z
        .object({ message: z.object({ content: z.string() }), finish_reason: finish })
        .transform(({ message, finish_reason }) => ({ text: message.content, finish_reason })),
    ]),
  ),
  usage: usage.optional(),
});

/** Milliseconds for a pattern to match: a text from outside can make one run indefinitely. */
const patience = 1000;

/**
 * Checks generated text: one choice with a letter or digit (weights of a wrong precision give `!!!!`, the first token
 * repeated), ended by itself or by the limit, token counts that add up and stay within the limit, and the expected
 * pattern, if any.
 */
export function checkText(expect: CompletionExpectation | TextExpectation, answer: unknown): AnswerCheck {
  const why = textProblem(expect, answer);
  return why === undefined ? { ok: true } : { ok: false, why };
}

function textProblem(expect: CompletionExpectation | TextExpectation, answer: unknown): string | undefined {
  const response = responseSchema.safeParse(answer);
  const counted = expect.read === 'completion';
  if (!response.success || (counted && response.data.usage === undefined))
    return notAnAnswer(counted ? 'completion' : 'text', answer);
  const { choices, usage: tokens } = response.data;
  const [choice] = choices;
  if (choice === undefined || choices.length > 1) return `there are ${choices.length} choices, not one`;
  const { text, finish_reason: reason } = choice;
  if (!/[\p{L}\p{N}]/u.test(text)) return `the text has no letter and no digit: ${show(text)}`;
  if (reason !== 'stop' && reason !== 'length')
    return `it ended with ${show(reason)}, not "stop" or "length"`;
  const problem = tokens && tokenProblem(tokens, expect.maxTokens);
  if (problem !== undefined) return problem;
  const pattern = expect.read === 'text' ? expect.pattern : undefined;
  if (pattern === undefined) return undefined;
  const found = matches(pattern, text);
  if (found === undefined) return `matching ${show(pattern)} takes longer than ${patience} ms`;
  return found ? undefined : `the text does not match ${show(pattern)}: ${show(text)}`;
}

function tokenProblem(tokens: z.infer<typeof usage>, most: number | undefined): string | undefined {
  const { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total } = tokens;
  const counts = [prompt, completion, total].every((count) => Number.isInteger(count) && count > 0);
  if (!counts || total !== prompt + completion) return `the tokens do not add up: ${show(tokens)}`;
  if (most === undefined || completion <= most) return undefined;
  return `there are ${completion} tokens, more than ${most}`;
}

/** Whether a text has a match; undefined when that takes too long. */
function matches(pattern: string, text: string): boolean | undefined {
  const context = createContext({ pattern, text: text.slice(0, 100_000) });
  try {
    return new Script("new RegExp(pattern, 'u').test(text)").runInContext(context, { timeout: patience });
  } catch {
    return undefined;
  }
}
