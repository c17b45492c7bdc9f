import { type Container, type Directory, dag } from '@dagger.io/dagger';
import { withProgramError } from './errors.ts';
import { modelcars } from './program.ts';

/** The image of the program itself on a base with Node, built as any model is: of a catalog with `image: loader`. */
export async function loaderImage(
  base: string,
  access: string[],
  at: (folder: Directory) => Container,
): Promise<Container> {
  const catalog = JSON.stringify({
    models: [{ name: 'model-loader', image: 'loader', base, version: 'v0.0.0' }],
  });
  const platform = await dag.defaultPlatform();
  const words = ['build', ...access, '--no-frozen', '--platform', String(platform), '--output', '/image.tar'];
  const built = at(dag.directory().withNewFile('models.yaml', catalog)).withExec(modelcars(...words));
  return dag.container({ platform }).import_((await withProgramError(() => built.sync())).file('/image.tar'));
}
