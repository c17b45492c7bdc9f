/** A module of a platform team that uses modelcars: it pushes a model and gives the line that a deployment needs. */
import { type Directory, dag, func, object, type Secret } from '@dagger.io/dagger';

@object()
export class ModelRelease {
  /**
   * Push one model, and give the storageUri of its InferenceService
   *
   * @param source The folder of models.yaml
   * @param model Name from the catalog
   * @param registry Registry and path to push to: quay.io/me
   * @param version Version of the image: v1.2.3
   * @param username For the registry
   * @param password For the registry: env:QUAY_TOKEN
   */
  @func({ cache: 'never' })
  async release(
    source: Directory,
    model: string,
    registry: string,
    version: string,
    username: string = '',
    password?: Secret,
  ): Promise<string> {
    const image = dag.modelcars().model(model, { source }).push({ registry, version, username, password });
    return `storageUri: oci://${await image.ref()}\n`;
  }
}
