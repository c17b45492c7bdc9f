import { expect, test } from 'vitest';
import { setModelcarCpu } from './modelcar-cpu.ts';

test('sets the limit among KServe’s other settings, and puts back what was there', async () => {
  let stored = '{"image":"a", "cpuModelcar":"10m"}';
  const kubectl = async (verb: string, ...words: string[]): Promise<string> => {
    if (verb === 'get') return stored;
    stored = JSON.parse(words.at(-1) ?? '').data.storageInitializer;
    return '';
  };
  {
    await using _limit = await setModelcarCpu({ kubectl: kubectl as never }, '500m');
    expect(JSON.parse(stored)).toEqual({ image: 'a', cpuModelcar: '500m' });
  }
  expect(stored).toBe('{"image":"a", "cpuModelcar":"10m"}');
});
