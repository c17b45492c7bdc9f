import { expect, test } from 'vitest';
import { type ObservedPod, PodLog, phasesOf } from './pod-times.ts';

const label = 'serving.kserve.io/inferenceservice';

function pod(name: string, running: string[] = [], ready = false, service = 'first'): ObservedPod {
  return {
    metadata: { name, labels: { [label]: service } },
    status: {
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
      containerStatuses: running.map((one) => ({ name: one, state: { running: {} } })),
    },
  };
}

test('each phase of a pod has the first time at which the watch shows it', () => {
  const log = new PodLog();
  log.note('ADDED', pod('a'), 11);
  // The modelcar is a sidecar: it says nothing of the server.
  log.note('MODIFIED', pod('a', ['modelcar']), 12);
  log.note('MODIFIED', pod('a', ['modelcar', 'kserve-container']), 13);
  expect(phasesOf(log.having(label, 'first'), 10)).toBeUndefined();
  log.note('MODIFIED', pod('a', ['modelcar', 'kserve-container'], true), 14);
  log.note('MODIFIED', pod('a', ['modelcar', 'kserve-container'], true), 15);
  expect(phasesOf(log.having(label, 'first'), 10)).toEqual({ created: 1, started: 3, ready: 4 });
});

test('of several pods the last one counts, and pods of other services or that are gone do not', () => {
  const log = new PodLog();
  for (const [name, at] of [
    ['a', 1],
    ['b', 5],
  ] as const)
    log.note('ADDED', pod(name, ['kserve-container'], true), at);
  log.note('ADDED', pod('other', ['kserve-container'], true, 'second'), 9);
  log.note('ADDED', pod('gone'), 9);
  expect(phasesOf(log.having(label, 'first'), 0)).toBeUndefined();
  log.note('DELETED', pod('gone'), 9);
  expect(log.having(label, 'first').map(({ name }) => name)).toEqual(['a', 'b']);
  expect(phasesOf(log.having(label, 'first'), 0)).toEqual({ created: 5, started: 5, ready: 5 });
  expect(log.size).toBe(3);
});
