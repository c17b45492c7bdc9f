// Reads Kubernetes objects from its argument, as the API server and Tekton's webhook would: unknown fields and invalid Tasks and
// Pipelines are errors.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	v1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	batch "k8s.io/api/batch/v1"
	rbac "k8s.io/api/rbac/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/pkg/apis"
	"sigs.k8s.io/yaml"
)

type object interface {
	SetDefaults(context.Context)
	Validate(context.Context) *apis.FieldError
}

func check(document string) error {
	var kind meta.TypeMeta
	if err := yaml.Unmarshal([]byte(document), &kind); err != nil {
		return err
	}
	kinds := map[string]any{
		"tekton.dev/v1/Task":                       &v1.Task{},
		"tekton.dev/v1/Pipeline":                   &v1.Pipeline{},
		"batch/v1/Job":                             &batch.Job{},
		"rbac.authorization.k8s.io/v1/Role":        &rbac.Role{},
		"rbac.authorization.k8s.io/v1/RoleBinding": &rbac.RoleBinding{},
	}
	into, ok := kinds[kind.APIVersion+"/"+kind.Kind]
	if !ok {
		return fmt.Errorf("unknown kind %s/%s", kind.APIVersion, kind.Kind)
	}
	if err := yaml.UnmarshalStrict([]byte(document), into); err != nil {
		return err
	}
	if it, ok := into.(object); ok {
		it.SetDefaults(context.Background())
		if err := it.Validate(context.Background()); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	count := 0
	for _, document := range strings.Split("\n"+os.Args[1], "\n---\n") {
		if err := check(document); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		count++
	}
	fmt.Println(count)
}
