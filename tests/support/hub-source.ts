import { type Hub, startHub } from '../parts/hub.ts';

export const uri = 'hf://org/model';

export const readme =
  '---\nlicense: llama3.1\nbase_model: org/base\npipeline_tag: text-generation\n---\n# A model\n';

export const large = { size: 30_000_000, generate: 7 };

export const token = 'hf_ThisIsASecretOfOurs1234';

/** A hub with a plain, a moving, a gated, a private and a hostile repository; pages of two entries. */
export function startModelHub(): Promise<Hub> {
  return startHub({
    models: {
      'org/model': {
        files: {
          'README.md': readme,
          'config.json': '{"a": 1}',
          'deep/odd name #1?.txt': 'hello',
          empty: '',
          'model.safetensors': large,
          'small.safetensors': 'few bytes',
        },
        revisions: { 'v1.0': { 'config.json': '{"a": 0}' }, 'refs/pr/1': { 'config.json': '{"a": 2}' } },
      },
      'org/moving': { files: { 'config.json': 'before' } },
      'org/gated': { files: { 'model.safetensors': 'secret' }, gated: 'auto' },
      'org/private': { files: { 'config.json': '{}' }, private: true },
      'org/hostile': {
        files: {
          '../../etc/passwd': 'x',
          '/absolute': 'x',
          'nul\0': 'x',
          'back\\slash': 'x',
          'a/Model.bin': 'x',
          'a/model.bin': 'y',
          'good.txt': 'good',
        },
      },
    },
    renamed: { 'old/model': 'org/model' },
    tokens: {
      [token]: { user: 'me', accepted: ['org/gated'], private: ['org/private'] },
      hf_new: { user: 'new' },
      hf_waiting: { user: 'waiting', pending: ['org/gated'] },
      hf_fine: { user: 'fine', gatedRights: false },
    },
    pageSize: 2,
  });
}
