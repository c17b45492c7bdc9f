from typing import Annotated

from dagger import Directory, Doc, Secret, dag, function, object_type


@object_type
class ModelRelease:
    @function(cache="never")
    async def release(
        self,
        source: Annotated[Directory, Doc("The folder of models.yaml")],
        model: Annotated[str, Doc("Name from the catalog")],
        registry: Annotated[str, Doc("Registry and path to push to: quay.io/me")],
        version: Annotated[str, Doc("Version of the image: v1.2.3")],
        username: Annotated[str, Doc("For the registry")] = "",
        password: Annotated[Secret | None, Doc("For the registry: env:QUAY_TOKEN")] = None,
    ) -> str:
        """Push one model, and give the storageUri of its InferenceService"""
        image = (
            dag.modelcars()
            .model(model, source=source)
            .push(registry=registry, version=version, username=username, password=password)
        )
        return f"storageUri: oci://{await image.ref()}\n"
