import { expect, test } from 'vitest';
import { ModelcarsError } from '../errors.ts';
import { faultOf, isRetryable, networkFailure } from './failure.ts';
import { TooSlow } from './minimum-pace.ts';
import { PrivateTarget } from './private-targets.ts';

const ours = [
  new ModelcarsError('usage', 'read certificates x: no such file'),
  new TypeError('x is not a function'),
  new RangeError('Set maximum size exceeded'),
  new SyntaxError('Unexpected token'),
];

test('rethrows errors that the network did not cause', () => {
  for (const error of ours) expect(() => networkFailure('read x', 'a.example', error)).toThrow(error);
});

test('names the host whose connection broke', () => {
  const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  const failure = networkFailure('read x', 'a.example', reset);
  expect(failure).toMatchObject({ code: 'network', retryable: true });
  expect(failure.message).toContain('a.example');
});

test('a slow response and a private target have their own messages, and are not retried', () => {
  expect(networkFailure('read x', 'a.example', new TooSlow(21, 22_000))).toMatchObject({
    message: 'read x: a.example sends its answer too slowly (21 bytes in 22 s)',
    retryable: false,
  });
  // The form of connection errors: wrapped, with one error per address.
  const wrapped = new AggregateError([new PrivateTarget('a.example', '10.0.0.1')]);
  expect(networkFailure('read x', 'b.example', wrapped)).toMatchObject({
    message: 'read x: a.example points to b.example, which has the private address 10.0.0.1',
    retryable: false,
  });
});

test.each([
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'certificate', false],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'certificate', false],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'certificate', false],
  ['INVALID_PURPOSE', 'certificate', false],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'plain', false],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', 'plain', false],
  ['EPROTO', 'plain', false],
  ['ENOTFOUND', 'unknown', true],
  ['EAI_AGAIN', 'unknown', true],
  ['ECONNREFUSED', 'refused', true],
  ['ETIMEDOUT', 'timeout', true],
  ['UND_ERR_HEADERS_TIMEOUT', 'timeout', true],
  ['ENETUNREACH', 'timeout', true],
  ['ECONNRESET', 'broken', true],
  ['UND_ERR_SOCKET', 'broken', true],
])('%s is the fault %s', (code, fault, retryable) => {
  const error = new TypeError('fetch failed', { cause: Object.assign(new Error('no'), { code }) }).cause;
  expect(faultOf(error)).toMatchObject({ fault, code });
  expect(networkFailure('read x', 'a.example', error).retryable).toBe(retryable);
});

test('retries after temporary statuses only', () => {
  const again = Array.from({ length: 200 }, (_, at) => 400 + at).filter(isRetryable);
  expect(again).toEqual([408, 425, 429, 500, 502, 503, 504]);
});
