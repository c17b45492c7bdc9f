import { describe, expect, it } from 'vitest';
import {
  labelName,
  longestServiceNameIn,
  nearServiceName,
  objectName,
  refusedName,
  serviceName,
} from './names.ts';

const long = (length: number) => 'a'.repeat(length);

it.each([
  ['iris', true],
  ['7b', false],
  ['m-7b', true],
  ['Iris', false],
  ['iris-', false],
  ['iris.v2', false],
  [long(48), true],
  [long(49), false],
])('an InferenceService can have the name %s: %s', (name, valid) => {
  expect(serviceName(name) === undefined).toBe(valid);
});

it('a name and a namespace fit the host name of 63 characters', () => {
  expect(longestServiceNameIn('models')).toBe(46);
  expect(`${long(46)}-predictor-models`).toHaveLength(63);
  expect(longestServiceNameIn('ns')).toBe(48);
});

it.each([
  ['quay', true],
  ['quay.io', true],
  ['Quay', false],
  ['quay_io', false],
  ['a..b', false],
  ['-a', false],
  [long(253), true],
  [long(254), false],
])('a Secret can have the name %s: %s', (name, valid) => {
  expect(objectName(name, 'a name') === undefined).toBe(valid);
});

it.each([
  [long(63), true],
  [long(64), false],
  ['a.b', false],
  ['team-a', true],
])('a namespace can have the name %s: %s', (name, valid) => {
  expect(labelName(name, 'a name') === undefined).toBe(valid);
});

it.each([
  ['7b-chat', 48, 'm-7b-chat'],
  ['My Model_v2', 48, 'my-model-v2'],
  [`${long(47)}-b`, 48, long(47)],
  ['iris', 2, 'ir'],
  ['iris', 0, ''],
  ['…', 48, ''],
])('%s cut to %i is %s', (text, longest, near) => {
  expect(nearServiceName(text, longest)).toBe(near);
});

describe('refusedName', () => {
  it('accepts what fits, and a name of its own for KServe', () => {
    expect(refusedName({ name: 'iris' })).toBeUndefined();
    expect(refusedName({ name: '7b', serving: { name: 'm-7b' } })).toBeUndefined();
    expect(refusedName({ name: long(46) }, 'models')).toBeUndefined();
  });

  it('names the first rule that is broken, and a name that fits', () => {
    expect(refusedName({ name: '7b' })).toEqual({
      what: expect.stringContaining('has to start with a letter'),
      fix: expect.stringContaining('`serving: {name: m-7b}`'),
    });
    expect(refusedName({ name: long(49) })).toEqual({
      what: expect.stringMatching(/isvc\.a+-predictor.* has 64 characters/),
      fix: expect.stringContaining(`{name: ${long(48)}}`),
    });
  });

  it('counts the namespace', () => {
    expect(refusedName({ name: long(47) }, 'models')).toEqual({
      what: expect.stringMatching(/-predictor-models`, which has 64 characters/),
      fix: expect.stringContaining(`{name: ${long(46)}}`),
    });
    const own = { name: 'iris', serving: { name: long(47) } };
    expect(refusedName(own, 'models')?.fix).toContain('shorten `serving.name` to at most 46');
    expect(refusedName({ name: 'iris' }, long(60))?.fix).toContain('a namespace with a shorter name');
  });
});
