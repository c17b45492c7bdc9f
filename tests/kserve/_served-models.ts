/** A text classifier and an ONNX graph, by KServe's Hugging Face server and by Triton, with requests of their own. */
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { modelcars, root } from '../parts/cli.ts';

/** What the classifier was never shown, and the numbers of what it is about: the sea, the railway, the kitchen. */
const texts = {
  data: [
    'The captain steers the ferry today.',
    'The traveller boards the train again.',
    'The baker tastes the dough in the morning.',
  ],
  classes: [2, 1, 0],
};

/** Flowers of iris, and their kinds. */
const flowers = {
  data: [
    [6.4, 2.9, 4.3, 1.3],
    [7.7, 2.8, 6.7, 2.0],
    [4.9, 3.1, 1.5, 0.1],
  ],
  classes: [1, 2, 0],
};

/** Less than the runtimes ask for, so that all of them run at once on two CPUs. */
const serving = { resources: { requests: { cpu: '200m', memory: '512Mi' } } };

/**
 * A folder with a locked catalog of: `topics` and `flowers`, which answer as expected, and each again with expected
 * classes in another order: `topics-wrong` and `flowers-wrong`.
 */
export async function servedModels(folder: string): Promise<string> {
  await mkdir(folder);
  await cp(join(root, 'frameworks/huggingface/model'), join(folder, 'topics'), { recursive: true });
  await cp(join(root, 'frameworks/onnx/model.onnx'), join(folder, 'flowers/flowers.onnx'));
  const common = { version: 'v1.0.0', base: 'embedded', platforms: ['linux/amd64'], serving };
  const topics = (name: string, classes: number[]) => ({
    name,
    ...common,
    framework: 'huggingface',
    source: 'file:topics',
    smoke: { inputs: [{ name: 'input-0', data: texts.data }], expect: { classes } },
  });
  const graph = (name: string, classes: number[]) => ({
    name,
    ...common,
    framework: 'onnx-triton',
    source: 'file:flowers',
    smoke: {
      inputs: [{ name: 'rows', datatype: 'FP32', data: flowers.data }],
      expect: { classes, output: 'predict' },
    },
  });
  const models = [
    topics('topics', texts.classes),
    topics('topics-wrong', texts.classes.toReversed()),
    graph('flowers', flowers.classes),
    graph('flowers-wrong', flowers.classes.toReversed()),
  ];
  await writeFile(join(folder, 'models.yaml'), stringify({ models }));
  await modelcars(['lock'], { cwd: folder });
  return folder;
}
