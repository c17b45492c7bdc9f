// Validates an object as Kubernetes' API server does for a custom resource: schema, CEL rules, unknown fields.
// Usage: crds CRD.yaml OBJECT-AS-JSON
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

func main() {
	problems, err := judge(os.Args[1], os.Args[2])
	if err != nil {
		problems = append(problems, err.Error())
	}
	for _, problem := range problems {
		fmt.Fprintln(os.Stderr, problem)
	}
	if len(problems) > 0 {
		os.Exit(1)
	}
}

func judge(path, text string) ([]string, error) {
	bytes, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var definition apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(bytes, &definition); err != nil {
		return nil, err
	}
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		return nil, err
	}
	if object["kind"] != definition.Spec.Names.Kind {
		return nil, fmt.Errorf("kind %v is not %s", object["kind"], definition.Spec.Names.Kind)
	}
	for _, version := range definition.Spec.Versions {
		if object["apiVersion"] == definition.Spec.Group+"/"+version.Name && version.Served {
			return problemsOf(version.Schema.OpenAPIV3Schema, object)
		}
	}
	return nil, fmt.Errorf("apiVersion %v is not served", object["apiVersion"])
}

func problemsOf(schema *apiextensionsv1.JSONSchemaProps, object map[string]any) ([]string, error) {
	var internal apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(schema, &internal, nil); err != nil {
		return nil, err
	}
	structural, err := structuralschema.NewStructural(&internal)
	if err != nil {
		return nil, err
	}
	validator, _, err := validation.NewSchemaValidator(&internal)
	if err != nil {
		return nil, err
	}
	var problems []string
	for _, one := range validation.ValidateCustomResource(nil, object, validator) {
		problems = append(problems, one.Error())
	}
	if rules := cel.NewValidator(structural, true, celconfig.PerCallLimit); rules != nil {
		errs, _ := rules.Validate(context.Background(), nil, structural, object, nil, celconfig.RuntimeCELCostBudget)
		for _, one := range errs {
			problems = append(problems, one.Error())
		}
	}
	options := structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	for _, unknown := range pruning.PruneWithOptions(object, structural, true, options) {
		problems = append(problems, "unknown field "+unknown)
	}
	return problems, nil
}
