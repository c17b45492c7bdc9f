import { expect, test } from 'vitest';
import { readErrors } from './error-body.ts';

test.each([
  [{ code: 'DENIED', message: 'no' }, 'DENIED: no', ['DENIED']],
  [{ code: 403, message: 'no' }, '403: no', ['403']],
  [{ code: { a: 1 }, message: 'no' }, 'UNKNOWN: no', ['UNKNOWN']],
  [{ code: ['DENIED'] }, 'UNKNOWN', ['UNKNOWN']],
  [{ code: null, message: { a: 1 } }, 'UNKNOWN', ['UNKNOWN']],
  [null, 'UNKNOWN', ['UNKNOWN']],
])('an error %j is shown as %s', (error, text, codes) => {
  expect(readErrors(JSON.stringify({ errors: [error] }))).toEqual({ text, codes });
});

test('the text of a page is shown without its tags, and cut', () => {
  expect(readErrors('<html><b>no\u0007</b> entry</html>').text).toMatch(/^no +entry$/);
  expect(readErrors('x'.repeat(9000)).text).toBe(`${'x'.repeat(299)}…`);
});
