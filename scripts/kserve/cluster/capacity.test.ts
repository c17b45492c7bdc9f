import { expect, it } from 'vitest';
import { quantity } from '../../admission/quantity.ts';
import { type NodeFacts, type PodFacts, requestOf, roomFor } from './capacity.ts';

it.each([
  ['2', 2],
  ['500m', 0.5],
  ['1.5', 1.5],
  ['2Gi', 2 * 1024 ** 3],
  ['15Mi', 15 * 1024 ** 2],
  ['3k', 3000],
  ['1e3', 1000],
  ['129e6', 129_000_000],
  ['100n', 1e-7],
  ['', 0],
  ['two', 0],
  ['2Zi', 0],
  [undefined, 0],
])('reads the quantity %s', (text, value) => {
  expect(quantity(text)).toBeCloseTo(value, 9);
});

const node = (name: string, more: Partial<NodeFacts> = {}): NodeFacts => ({
  metadata: { name },
  status: { allocatable: { cpu: '4', memory: '16Gi' } },
  ...more,
});
const pod = (nodeName: string, cpu: string, memory: string, phase = 'Running'): PodFacts => ({
  spec: { nodeName, containers: [{ resources: { requests: { cpu, memory } } }] },
  status: { phase },
});
const need = { cpu: 1, memory: 4 * 1024 ** 3 };

it('fits pods into the free CPU or memory, whichever is less', () => {
  expect(roomFor(need, [node('a')], [])).toBe(4);
  expect(roomFor(need, [node('a')], [pod('a', '1500m', '1Gi')])).toBe(2);
  expect(roomFor(need, [node('a')], [pod('a', '0', '9Gi')])).toBe(1);
  expect(roomFor(need, [node('a')], [pod('a', '0', '16Gi')])).toBe(0);
});

it('ignores pods of other nodes, and those that ended', () => {
  expect(roomFor(need, [node('a')], [pod('b', '4', '16Gi'), pod('a', '4', '16Gi', 'Succeeded')])).toBe(4);
});

it('adds up the schedulable nodes', () => {
  const tainted = node('b', { spec: { taints: [{ effect: 'NoSchedule' }] } });
  const cordoned = node('c', { spec: { unschedulable: true } });
  expect(roomFor(need, [node('a'), tainted, cordoned, node('d')], [])).toBe(8);
});

it('counts an init container that requests more than the others together', () => {
  const requests = (cpu: string) => ({ resources: { requests: { cpu, memory: '1Gi' } } });
  const facts = { spec: { containers: [requests('1'), requests('1')], initContainers: [requests('3')] } };
  expect(requestOf(facts)).toEqual({ cpu: 3, memory: 2 * 1024 ** 3 });
});
