// What KServe does with objects that are applied, without a cluster: Kubernetes' own code reads the definitions of the
// release, KServe's own webhooks change and judge the objects, one after another.
// Usage: kserve KSERVE.yaml OBJECTS.json (an array); prints an array of {problem, stored}.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/kserve/kserve/pkg/apis/serving/v1alpha1"
	"github.com/kserve/kserve/pkg/apis/serving/v1beta1"
	"github.com/kserve/kserve/pkg/webhook/admission/servingruntime"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	structuraldefaulting "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

type verdict struct {
	Problem string         `json:"problem,omitempty"`
	Stored  map[string]any `json:"stored,omitempty"`
}

type release struct {
	definitions []apiextensionsv1.CustomResourceDefinition
	config      corev1.ConfigMap
}

func main() {
	verdicts, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(verdicts)
}

func run() ([]verdict, error) {
	known, err := readRelease(os.Args[1])
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(os.Args[2])
	if err != nil {
		return nil, err
	}
	var objects []map[string]any
	if err := json.Unmarshal(text, &objects); err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(v1alpha1.AddToScheme(scheme), v1beta1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	cluster := fake.NewClientBuilder().WithScheme(scheme).Build()
	verdicts := make([]verdict, 0, len(objects))
	for _, object := range objects {
		stored, err := apply(known, scheme, cluster, object)
		if err != nil {
			verdicts = append(verdicts, verdict{Problem: err.Error()})
			continue
		}
		verdicts = append(verdicts, verdict{Stored: stored})
	}
	return verdicts, nil
}

// In the order of the API server: unknown fields and defaults, mutating webhooks, schema, validating webhooks.
func apply(known *release, scheme *runtime.Scheme, cluster client.Client, object map[string]any) (map[string]any, error) {
	schema, err := known.schemaOf(object)
	if err != nil {
		return nil, err
	}
	structural, err := structuralschema.NewStructural(schema)
	if err != nil {
		return nil, err
	}
	options := structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	if unknown := pruning.PruneWithOptions(object, structural, true, options); len(unknown) > 0 {
		return nil, fmt.Errorf("unknown field %q", unknown)
	}
	structuraldefaulting.Default(object, structural)
	var service *v1beta1.InferenceService
	if object["kind"] == "InferenceService" {
		service = &v1beta1.InferenceService{}
		if object, err = known.mutate(service, object); err != nil {
			return nil, err
		}
	}
	validator, _, err := validation.NewSchemaValidator(schema)
	if err != nil {
		return nil, err
	}
	if problems := validation.ValidateCustomResource(nil, object, validator); len(problems) > 0 {
		return nil, problems.ToAggregate()
	}
	if service != nil {
		_, err = (&v1beta1.InferenceServiceValidator{}).ValidateCreate(context.Background(), service)
		return object, err
	}
	return object, admitRuntime(scheme, cluster, object)
}

func (known *release) mutate(service *v1beta1.InferenceService, object map[string]any) (map[string]any, error) {
	services, err := v1beta1.NewInferenceServicesConfig(&known.config)
	if err != nil {
		return nil, err
	}
	deploy, err := v1beta1.NewDeployConfig(&known.config)
	if err != nil {
		return nil, err
	}
	security, err := v1beta1.NewSecurityConfig(&known.config)
	if err != nil {
		return nil, err
	}
	text, _ := json.Marshal(object)
	if err := json.Unmarshal(text, service); err != nil {
		return nil, err
	}
	// Releases differ in the number of caches, which are absent here.
	defaulter := reflect.ValueOf(service.DefaultInferenceService)
	arguments := []reflect.Value{reflect.ValueOf(services), reflect.ValueOf(deploy), reflect.ValueOf(security)}
	for at := len(arguments); at < defaulter.Type().NumIn(); at++ {
		arguments = append(arguments, reflect.Zero(defaulter.Type().In(at)))
	}
	defaulter.Call(arguments)
	mutated := map[string]any{}
	text, err = json.Marshal(service)
	if err != nil {
		return nil, err
	}
	return mutated, json.Unmarshal(text, &mutated)
}

// Earlier runtimes are in the cluster: two of them must not claim one model format with the same priority.
func admitRuntime(scheme *runtime.Scheme, cluster client.Client, object map[string]any) error {
	text, _ := json.Marshal(object)
	webhook := servingruntime.ServingRuntimeValidator{Client: cluster, Decoder: admission.NewDecoder(scheme)}
	request := admissionv1.AdmissionRequest{Operation: admissionv1.Create, Object: runtime.RawExtension{Raw: text}}
	response := webhook.Handle(context.Background(), admission.Request{AdmissionRequest: request})
	if !response.Allowed {
		return errors.New(strings.TrimSpace(response.Result.Message + " " + string(response.Result.Reason)))
	}
	stored := &v1alpha1.ServingRuntime{}
	if err := json.Unmarshal(text, stored); err != nil {
		return err
	}
	return cluster.Create(context.Background(), stored)
}

func (known *release) schemaOf(object map[string]any) (*apiextensions.JSONSchemaProps, error) {
	for _, definition := range known.definitions {
		for _, version := range definition.Spec.Versions {
			isKind := object["kind"] == definition.Spec.Names.Kind
			if isKind && object["apiVersion"] == definition.Spec.Group+"/"+version.Name && version.Served {
				internal := &apiextensions.JSONSchemaProps{}
				from := version.Schema.OpenAPIV3Schema
				return internal, apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(from, internal, nil)
			}
		}
	}
	return nil, fmt.Errorf("no definition of %v %v", object["apiVersion"], object["kind"])
}

func readRelease(path string) (*release, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	known := &release{}
	reader := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), 4096)
	for {
		var raw json.RawMessage
		if err := reader.Decode(&raw); errors.Is(err, io.EOF) {
			return known, nil
		} else if err != nil {
			return nil, err
		}
		var head struct {
			Kind     string
			Metadata struct{ Name string }
		}
		if err := json.Unmarshal(raw, &head); err != nil {
			return nil, err
		}
		switch {
		case head.Kind == "CustomResourceDefinition":
			var definition apiextensionsv1.CustomResourceDefinition
			if err := json.Unmarshal(raw, &definition); err != nil {
				return nil, err
			}
			known.definitions = append(known.definitions, definition)
		case head.Kind == "ConfigMap" && head.Metadata.Name == "inferenceservice-config":
			if err := json.Unmarshal(raw, &known.config); err != nil {
				return nil, err
			}
		}
	}
}
