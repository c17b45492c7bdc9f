import { expect, it } from 'vitest';
import { findCause } from './find-cause.ts';

const denied = "PermissionError: [Errno 13] Permission denied: '/mnt/models/model.joblib'";

it.each<[string, string[], RegExp]>([
  [
    'a model that is not found because it is unreadable',
    ['Model iris not found', denied],
    /cannot read \/mnt\/models/,
  ],
  [
    'another file that cannot be written',
    ["[Errno 13] Permission denied: '/.metrics'"],
    /lacks a permission/,
  ],
  [
    'a damaged model, in spite of an error about a cache',
    ['mkdir -p failed for path /.config: [Errno 13] Permission denied', 'UnpicklingError: invalid load key'],
    /cannot read the file/,
  ],
  ['a model of another name', ['Invalid URI specified for model iris'], /another name/],
])('load: %s', (_, texts, cause) => {
  expect(findCause('load', texts)?.cause).toMatch(cause);
  expect(findCause('load', texts.toReversed())?.cause).toMatch(cause);
});

it('init: an unreadable folder is not reported as empty, although KServe reports it so', () => {
  const lines = ['NOK ... Prefetched but modelcar is invalid (/models does not exist or is empty)'];
  expect(findCause('init', lines)?.cause).toMatch(/nothing below \/models/);
  expect(findCause('init', [...lines, "ls: can't open '/models': Permission denied"])?.cause).toMatch(
    /cannot read/,
  );
});

it('pull: the newest event decides', () => {
  const events = ['dial tcp: i/o timeout', '401 Unauthorized'];
  expect(findCause('pull', events)?.cause).toMatch(/cannot reach/);
});
