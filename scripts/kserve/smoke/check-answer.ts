import type { SmokeExpectation } from '../../model/types.ts';
import { checkClasses } from './answer/classes.ts';
import type { AnswerCheck } from './answer/compare-values.ts';
import { checkEmbeddings } from './answer/embeddings.ts';
import { checkText } from './answer/generated-text.ts';
import { checkOutputs } from './answer/outputs.ts';
import { checkPredictions } from './answer/predictions.ts';

/** Compares an answer (parsed JSON, hostile) with the expectation; each kind has a file in answer/. Never throws. */
export function checkAnswer(expect: SmokeExpectation, answer: unknown): AnswerCheck {
  switch (expect.read) {
    case 'labels':
    case 'scores':
      return checkClasses(expect, answer);
    case 'outputs':
      return checkOutputs(expect, answer);
    case 'predictions':
      return checkPredictions(expect, answer);
    case 'embeddings':
      return checkEmbeddings(expect, answer);
    case 'completion':
    case 'text':
      return checkText(expect, answer);
  }
}
