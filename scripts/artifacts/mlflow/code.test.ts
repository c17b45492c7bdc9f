import { expect, it } from 'vitest';
import mlflow from '../../../frameworks/mlflow/framework.ts';
import { readerOf } from '../../../tests/support/model-reader.ts';
import { codeWarnings } from './code.ts';

const MLmodel = (pyfunc: string) =>
  `flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n${pyfunc}`;
const warning = (files: string) => [
  `it brings its own code (${files}), which MLServer can run when it loads the model and serves it: review it`,
];

it.each([
  [
    'code_paths',
    '    code: code\n',
    ['code/features.py', 'code/pkg/a.py', 'code/data.csv'],
    'code/features.py and code/pkg/a.py',
  ],
  ['code_paths under another name', '    code: ./lib/\n', ['lib/a.py'], 'lib/a.py'],
  ['a folder that MLmodel does not name', '', ['code/a.py'], 'code/a.py'],
  ['a model that is code', '    model_code_path: agent.py\n', ['agent.py'], 'agent.py'],
])('warns of %s', async (_, text, paths, named) => {
  const files = { MLmodel: MLmodel(text), ...Object.fromEntries(paths.map((path) => [path, ''])) };
  expect(await codeWarnings(readerOf(files))).toEqual(warning(named));
});

it('names some of much code, and none of a model without', async () => {
  const many = Object.fromEntries('abcdef'.split('').map((name) => [`code/${name}.py`, '']));
  const [text] = await codeWarnings(readerOf({ MLmodel: MLmodel(''), ...many }));
  expect(text).toContain('(code/a.py, code/b.py, code/c.py, code/d.py and 2 more)');
  const none = { MLmodel: MLmodel('    code: null\n'), 'model.pkl': '', 'decode/a.py': '', 'train.py': '' };
  expect(await codeWarnings(readerOf(none))).toEqual([]);
});

it("is a warning of framework mlflow when its image's files are examined", async () => {
  const files = readerOf({
    MLmodel: MLmodel('    code: code\n'),
    'code/a.py': '',
    'model-settings.json': '{"name": "b"}',
  });
  const { warnings } = await mlflow.examineImage(files, 'a');
  expect(warnings).toEqual([expect.stringContaining('has the name `b`'), ...warning('code/a.py')]);
});
