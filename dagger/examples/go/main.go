// A module of a platform team that uses modelcars: it pushes a model and gives the line that a deployment needs.
package main

import (
	"context"
	"fmt"

	"dagger/model-release/internal/dagger"
)

type ModelRelease struct{}

// Push one model, and give the storageUri of its InferenceService
//
// +cache="never"
func (m *ModelRelease) Release(
	ctx context.Context,
	// The folder of models.yaml
	source *dagger.Directory,
	// Name from the catalog
	model string,
	// Registry and path to push to: quay.io/me
	registry string,
	// Version of the image: v1.2.3
	version string,
	// For the registry
	// +optional
	username string,
	// For the registry: env:QUAY_TOKEN
	// +optional
	password *dagger.Secret,
) (string, error) {
	image := dag.Modelcars().
		Model(model, dagger.ModelcarsModelOpts{Source: source}).
		Push(dagger.ModelcarsModelPushOpts{
			Registry: registry,
			Version:  version,
			Username: username,
			Password: password,
		})
	ref, err := image.Ref(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("storageUri: oci://%s\n", ref), nil
}
