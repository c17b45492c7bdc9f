import { expect, test } from 'vitest';
import { ModelcarsError } from '../errors.ts';
import { connectionFailure } from '../sources/refusals.ts';
import { networkFailure } from './failure.ts';
import { TooSlow } from './minimum-pace.ts';
import { PrivateTarget } from './private-targets.ts';

const ours = [
  new ModelcarsError('usage', 'read certificates x: no such file'),
  new TypeError('x is not a function'),
  new RangeError('Set maximum size exceeded'),
  new SyntaxError('Unexpected token'),
];

test.each([networkFailure, connectionFailure])('%o never calls an error of ours the host’s', (failureOf) => {
  for (const error of ours) expect(() => failureOf('read x', 'a.example', error)).toThrow(error);
});

test.each([networkFailure, connectionFailure])('%o speaks of what the network did', (failureOf) => {
  const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  const failure = failureOf('read x', 'a.example', reset);
  expect(failure).toMatchObject({ code: 'network', retryable: true });
  expect(failure.message).toContain('a.example');
});

test('a trickle and a private target have words of their own, and are not tried again', () => {
  expect(networkFailure('read x', 'a.example', new TooSlow(21, 22_000))).toMatchObject({
    message: 'read x: a.example sends its answer too slowly (21 bytes in 22 s)',
    retryable: false,
  });
  // As connections fail: wrapped, one error an address.
  const wrapped = new AggregateError([new PrivateTarget('a.example', '10.0.0.1')]);
  for (const failureOf of [networkFailure, connectionFailure]) {
    expect(failureOf('read x', 'b.example', wrapped)).toMatchObject({
      message: 'read x: a.example points to b.example, which has the private address 10.0.0.1',
      retryable: false,
    });
  }
});
