import { expect, it } from 'vitest';
import type { SmokeTest } from '../../model/types.ts';
import { smokeRequests } from './request.ts';

const expectation: SmokeTest['expect'] = { read: 'completion', maxTokens: 4 };

it('inserts the name into path and body', () => {
  const body = { model: '{name}', prompt: 'a {name} stays', more: [{ model: '{name}' }, 1, null] };
  const smoke: SmokeTest = { path: '/v2/models/{name}/infer', body, expect: expectation };
  expect(smokeRequests(smoke, 'granite')).toEqual([
    {
      path: '/v2/models/granite/infer',
      body: { model: 'granite', prompt: 'a {name} stays', more: [{ model: 'granite' }, 1, null] },
    },
  ]);
  expect(body.model).toBe('{name}');
});

it('keeps the order of several paths', () => {
  const smoke: SmokeTest = { path: ['/openai/{name}', '/{name}/{name}'], body: 1, expect: expectation };
  expect(smokeRequests(smoke, 'a/b$&').map(({ path }) => path)).toEqual([
    '/openai/a%2Fb%24%26',
    '/a%2Fb%24%26/a%2Fb%24%26',
  ]);
});
