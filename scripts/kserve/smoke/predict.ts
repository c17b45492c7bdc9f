import { Agent, fetch } from 'undici';
import type { SentTest } from '../../model/types.ts';
import type { WrongPrediction } from '../diagnosis/diagnose.ts';
import { checkAnswer } from './check-answer.ts';
import { type SmokeRequest, smokeRequests } from './request.ts';
import { fromV1, v1Request } from './v1-protocol.ts';

/** A server's response: the correct prediction, a wrong one (`final`: asking again will not help), or none yet. */
export type Prediction = { right: true } | ({ right: false; final: boolean } & WrongPrediction);

/** Timeout for one response in milliseconds: a large model on a CPU is slow. */
const patience = 120_000;
/** Upper limit for a response, in characters. */
const mostBytes = 16 * 1024 ** 2;

/**
 * Requests the prediction with a known correct answer, at the framework's paths and then, for a tensor, by KServe's v1
 * protocol. `url` is the server's root.
 */
export async function predict(
  url: string,
  smoke: SentTest,
  name: string,
  signal: AbortSignal,
): Promise<Prediction> {
  let last: Prediction = { right: false, final: false, what: 'the server has no path of the smoke request' };
  const agent = new Agent({ headersTimeout: patience, bodyTimeout: patience });
  try {
    const older = v1Request(smoke, name);
    const requests: SmokeRequest[] = [...smokeRequests(smoke, name), ...(older ? [older] : [])];
    for (const { path, body } of requests) {
      const answer = await post(`${url}${path}`, body, agent, signal);
      if ('what' in answer) {
        return { right: false, final: false, what: `POST ${path}: ${answer.what}` };
      }
      const judged = judge(smoke, path, answer);
      // Paths differ between runtimes: after 404 the next one is tried. If all fail, the first response is reported.
      if (answer.status !== 404) return judged;
      if (path === requests[0]?.path) last = judged;
    }
    return last;
  } finally {
    await agent.destroy();
  }
}

interface Answer {
  status: number;
  text: string;
}

async function post(
  url: string,
  body: unknown,
  dispatcher: Agent,
  signal: AbortSignal,
): Promise<Answer | { what: string }> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      dispatcher,
      signal: AbortSignal.any([signal, AbortSignal.timeout(patience)]),
    });
    return { status: response.status, text: (await response.text()).slice(0, mostBytes) };
  } catch (error) {
    signal.throwIfAborted();
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    return { what: cause instanceof Error ? cause.message || cause.name : String(cause) };
  }
}

function judge(smoke: SentTest, path: string, { status, text }: Answer): Prediction {
  let parsed: unknown = text;
  try {
    parsed = JSON.parse(text);
  } catch {
    // Checked as plain text.
  }
  const check = checkAnswer(smoke.expect, fromV1(parsed, smoke));
  if (status === 200 && check.ok) {
    smoke.accepted?.(parsed);
    return { right: true };
  }
  const why = check.ok ? 'the answer is right' : check.why;
  return {
    right: false,
    // 200 comes from the model; any other status may come from a server that has not loaded it yet.
    final: status === 200,
    what: `POST ${path}: ${status === 200 ? '' : `HTTP ${status}, `}${why}`,
    ...(!check.ok && check.expected && { expected: check.expected }),
    ...(!check.ok && check.got && { got: check.got }),
  };
}
