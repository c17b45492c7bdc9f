import { expect, it } from 'vitest';
import { ModelcarsError } from '../errors.ts';
import { Masker } from '../text/mask.ts';
import { createColors, wantsColor } from './color.ts';
import { asModelcarsError, errorToJson, isDebug, renderError } from './errors.ts';

const colors = createColors({ isTTY: false }, {});
const masker = new Masker();
masker.add('topsecret');

it('renders the failure and the next step', () => {
  const error = new ModelcarsError('lock', 'read lock: no models.lock.yaml', {
    next: 'run `modelcars lock`',
  });
  expect(renderError(error, { colors, masker })).toBe(
    'error: read lock: no models.lock.yaml\nnext: run `modelcars lock`',
  );
});

it('indents further lines', () => {
  const error = new ModelcarsError('catalog', 'read models.yaml: 2 problems\nline 3: a\nline 4: b');
  expect(renderError(error, { colors, masker })).toBe(
    'error: read models.yaml: 2 problems\n  line 3: a\n  line 4: b',
  );
});

it('reports an unknown error as a bug, without a stack', () => {
  const text = renderError(new TypeError("Cannot read properties of undefined (reading 'x')"), {
    colors,
    masker,
  });
  expect(text).toMatch(
    /^error: Cannot read properties .* \(this is a bug in modelcars\)\nnext: .*DEBUG=modelcars.*issue/,
  );
  expect(text).not.toMatch(/^\s+at /m);
});

it('shows stack and causes with debug', () => {
  const error = new ModelcarsError('network', 'get x: no answer', {
    cause: new Error('topsecret ECONNRESET'),
  });
  const text = renderError(error, { colors, masker, debug: true });
  expect(text).toMatch(/^\s+at /m);
  expect(text).toContain('caused by: Error: **** ECONNRESET');
});

it('masks secrets in text and JSON', () => {
  const error = new ModelcarsError('auth', 'log in: topsecret refused', { next: 'drop topsecret' });
  expect(renderError(error, { colors, masker })).not.toContain('topsecret');
  expect(errorToJson(error, masker)).toEqual({
    code: 'auth',
    message: 'log in: **** refused',
    next: 'drop ****',
  });
});

it('recognizes a full disk and a missing permission', () => {
  expect(asModelcarsError(Object.assign(new Error('ENOSPC: no space'), { code: 'ENOSPC' })).code).toBe(
    'disk',
  );
  expect(asModelcarsError(Object.assign(new Error('EACCES: denied'), { code: 'EACCES' })).code).toBe('disk');
  expect(asModelcarsError('thrown text')).toMatchObject({ code: 'bug', exitCode: 1 });
});

it.each([
  [{ isTTY: true }, {}, true],
  [{ isTTY: false }, {}, false],
  [{ isTTY: true }, { NO_COLOR: '1' }, false],
  [{ isTTY: true }, { NO_COLOR: '' }, true],
  [{ isTTY: true }, { TERM: 'dumb' }, false],
  [{ isTTY: false }, { FORCE_COLOR: '1' }, true],
  [{ isTTY: true }, { FORCE_COLOR: '0' }, false],
  [{ isTTY: false }, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
])('colours %j with %j: %s', (stream, environment, expected) => {
  expect(wantsColor(stream, environment)).toBe(expected);
  expect(createColors(stream, environment).red('x')).toBe(expected ? '\x1b[31mx\x1b[39m' : 'x');
});

it.each([
  ['modelcars', true],
  ['other modelcars', true],
  ['*', true],
  ['other', false],
  [undefined, false],
])('DEBUG=%s: %s', (value, expected) => {
  expect(isDebug(value === undefined ? {} : { DEBUG: value })).toBe(expected);
});
