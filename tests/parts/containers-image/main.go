// Judges an image in a registry under a policy, as podman, skopeo and CRI-O do before they pull it. Debian builds its
// own skopeo and podman without sigstore, so the library they share is called here.
package main

import (
	"context"
	"fmt"
	"os"

	"go.podman.io/image/v5/docker"
	"go.podman.io/image/v5/image"
	"go.podman.io/image/v5/signature"
	"go.podman.io/image/v5/types"
)

// judge POLICY REGISTRIES.D REFERENCE: exits 0 when the policy allows the image.
func main() {
	if err := judge(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func judge(policyFile, registries, name string) error {
	ctx := context.Background()
	policy, err := signature.NewPolicyFromFile(policyFile)
	if err != nil {
		return err
	}
	allowed, err := signature.NewPolicyContext(policy)
	if err != nil {
		return err
	}
	reference, err := docker.ParseReference("//" + name)
	if err != nil {
		return err
	}
	source, err := reference.NewImageSource(ctx, &types.SystemContext{
		RegistriesDirPath:           registries,
		DockerInsecureSkipTLSVerify: types.OptionalBoolTrue,
	})
	if err != nil {
		return err
	}
	defer source.Close()
	_, err = allowed.IsRunningImageAllowed(ctx, image.UnparsedInstance(source, nil))
	return err
}
