import { expect, test } from 'vitest';
import { storedMounts, storedResources, storedVolumes } from './stored-form.ts';

// judges/kserve-webhooks holds these against KServe itself.
test('quantities are canonical', () => {
  expect(storedResources({ requests: { cpu: '0.5', memory: '1.5Gi' } })).toEqual({
    requests: { cpu: '500m', memory: '1536Mi' },
  });
  expect(storedVolumes([{ name: 'a', emptyDir: { medium: 'Memory', sizeLimit: '1024Mi' } }])).toEqual([
    { name: 'a', emptyDir: { medium: 'Memory', sizeLimit: '1Gi' } },
  ]);
});

test('`readOnly: false` is left out, `true` stays', () => {
  const claim = (readOnly: boolean) => ({ name: 'a', persistentVolumeClaim: { claimName: 'b', readOnly } });
  expect(storedVolumes([claim(false), claim(true), { name: 'c', emptyDir: {} }])).toEqual([
    { name: 'a', persistentVolumeClaim: { claimName: 'b' } },
    claim(true),
    { name: 'c', emptyDir: {} },
  ]);
  const mount = { name: 'a', mountPath: '/a' };
  expect(
    storedMounts([
      { ...mount, readOnly: false },
      { ...mount, readOnly: true },
    ]),
  ).toEqual([mount, { ...mount, readOnly: true }]);
});
