import type { Diagnosis, Stage } from '../types.ts';
import { type CaseProgress, modelcar, server } from './case-progress.ts';
import type { KnownCause } from './cause.ts';
import type { EventView, Evidence } from './evidence.ts';
import { findCause } from './find-cause.ts';
import { requestCauses } from './model-causes.ts';
import { excerpt, relevantLines } from './server-log.ts';

/** A model server's wrong answer, or the error it returned instead. */
export interface WrongPrediction {
  what: string;
  expected?: number[];
  got?: number[];
}

/** The number of events that fit on one screen. */
const mostEvents = 6;

/**
 * Explains why a model does not serve; `answer` is the wrong answer, if the server gave one, `waited` the milliseconds
 * in the last stage. This room turns evidence into a diagnosis. It is pure: the same evidence gives the same text. The
 * texts stay hostile, exactly as received.
 */
export function diagnose(
  evidence: Evidence,
  standing: CaseProgress,
  { answer, waited }: { answer?: WrongPrediction; waited?: number } = {},
): Diagnosis {
  const stage = stageOf(evidence, standing, answer);
  const container = containerOf(evidence, stage, standing);
  const logs = container === undefined ? [] : (evidence.logs[container] ?? []);
  const events = chosen(evidence.events);
  const what = answer?.what ?? standing.what;
  const warnings = events.filter(({ warning }) => warning).map(({ message }) => message);
  // The answer of a server without the model, and the end of an init container, give no reason; the log does, so it
  // comes first.
  const short = answer !== undefined || stage === 'init';
  const own = short ? [...relevantLines(logs), [what]] : [[what], ...relevantLines(logs)];
  // The answer that refuses the request says why; the log of a server that loads other models may hold anything.
  const clue = refusal(answer) ?? firstCause(stage, [...own, warnings.reverse()]);
  const late = waited === undefined ? '' : ` after ${Math.round(waited / 1000)} s`;
  return {
    stage,
    what: `${what}${late}`,
    ...(answer?.expected !== undefined && answer.got !== undefined
      ? wrongAnswer
      : clue && { cause: clue.cause, fix: clue.fix }),
    events: events.map(eventLine),
    ...(container !== undefined && { container }),
    logs: excerpt(logs),
    ...(answer?.expected && { expected: answer.expected }),
    ...(answer?.got && { got: answer.got }),
  };
}

/** The model loads and answers incorrectly: no log shows the cause. */
const wrongAnswer = {
  cause:
    'this is another model than the one that the smoke request belongs to, its classes are in another order, or the server computes otherwise',
  fix: 'compare with what the model answers where it was trained; correct the request or the expected answer in `smoke:` of models.yaml',
};

function stageOf({ logs }: Evidence, { stage }: CaseProgress, answer: WrongPrediction | undefined): Stage {
  // A server that answers 404 or 500 runs without the model; its log has the reason.
  if (stage !== 'answer' || answer === undefined || answer.got !== undefined || refusal(answer)) return stage;
  const clue = loadCause(logs[server] ?? []);
  return clue === undefined ? 'answer' : 'load';
}

/** Why the model refused the request, if it was asked and did. */
function refusal(answer: WrongPrediction | undefined): KnownCause | undefined {
  return answer && requestCauses.find(({ sign }) => sign.test(answer.what));
}

/** The container with the most relevant log. */
function containerOf({ pod, logs }: Evidence, stage: Stage, { container }: CaseProgress): string | undefined {
  if (stage === 'apply' || stage === 'pull') return undefined;
  if (stage === 'link') return modelcar;
  if (stage === 'init') return container;
  const known = pod?.containers.some(({ name }) => name === server) || logs[server] !== undefined;
  return known ? server : container;
}

/** The last few events without repetitions, oldest first; warnings take precedence. */
function chosen(events: readonly EventView[]): EventView[] {
  const distinct = new Map<string, EventView>();
  for (const event of events.filter(tells)) distinct.set(`${event.reason} ${event.message}`, event);
  const all = [...distinct.values()].sort((a, b) => a.at - b.at);
  const warnings = all.filter(({ warning }) => warning).slice(-mostEvents);
  const room = mostEvents - warnings.length;
  const rest = room > 0 ? all.filter(({ warning }) => !warning).slice(-room) : [];
  return [...warnings, ...rest].sort((a, b) => a.at - b.at);
}

/** Leaves out the events of the autoscaler, which lacks metrics in every small cluster, and KServe's own summaries. */
function tells({ object, reason }: EventView): boolean {
  return !object.startsWith('HorizontalPodAutoscaler/') && !reason.startsWith('InferenceService');
}

/** The cause found in the first group that matches one. */
function firstCause(stage: Stage, groups: readonly string[][]): KnownCause | undefined {
  for (const texts of groups) {
    const clue = findCause(stage, texts);
    if (clue !== undefined) return clue;
  }
  return undefined;
}

/** The cause of a crash, from the model server's log. */
export function loadCause(log: readonly string[]): KnownCause | undefined {
  return firstCause('load', relevantLines(log));
}

function eventLine({ warning, reason, message, object, count }: EventView): string {
  const times = count > 1 ? ` (${count} times)` : '';
  return `${warning ? 'Warning' : 'Normal'} ${object} ${reason}: ${message}${times}`;
}
