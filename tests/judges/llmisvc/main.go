// Runs KServe's webhook and controller of LLMInferenceServices once, on a cluster in memory that has KServe's presets and
// configuration. Prints the Deployments and LeaderWorkerSets that they make.
// Usage: llmisvc MODULE-FOLDER OBJECT-AS-JSON
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	k8sfake "k8s.io/client-go/kubernetes/fake"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/record"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	lwsapi "sigs.k8s.io/lws/api/leaderworkerset/v1"
	"sigs.k8s.io/yaml"

	"github.com/kserve/kserve/pkg/apis/serving/v1alpha2"
	"github.com/kserve/kserve/pkg/controller/v1alpha2/llmisvc"
	kservescheme "github.com/kserve/kserve/pkg/scheme"
)

const system, namespace = "kserve", "models"

func main() {
	if err := judge(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(path string, into client.Object) error {
	bytes, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	into.SetNamespace(system)
	if err := yaml.Unmarshal(bytes, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	into.SetNamespace(system)
	return nil
}

func judge(module, text string) error {
	ctx := context.Background()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, kservescheme.AddLLMISVCAPIs} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	configuration := &corev1.ConfigMap{}
	if err := read(filepath.Join(module, "config/configmap/inferenceservice.yaml"), configuration); err != nil {
		return err
	}
	objects := []client.Object{configuration}
	presets, err := filepath.Glob(filepath.Join(module, "config/llmisvcconfig/config-*.yaml"))
	if err != nil {
		return err
	}
	for _, path := range presets {
		preset := &v1alpha2.LLMInferenceServiceConfig{}
		if err := read(path, preset); err != nil {
			return err
		}
		objects = append(objects, preset)
	}
	service := &v1alpha2.LLMInferenceService{}
	if err := json.Unmarshal([]byte(text), service); err != nil {
		return err
	}
	service.Namespace = namespace
	service.SetDefaults(ctx)
	validator := &v1alpha2.LLMInferenceServiceValidator{}
	if _, err := validator.ValidateCreate(ctx, service); err != nil {
		return err
	}
	// The controller asks the API server which kinds of gateways exist: none.
	discovery := httptest.NewServer(http.HandlerFunc(func(response http.ResponseWriter, _ *http.Request) {
		response.Header().Set("Content-Type", "application/json")
		kind := metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}
		_ = json.NewEncoder(response).Encode(metav1.APIResourceList{TypeMeta: kind})
	}))
	defer discovery.Close()
	account := &corev1.ServiceAccount{}
	account.Name, account.Namespace = "models", namespace
	memory := fake.NewClientBuilder().WithScheme(scheme).
		WithObjects(append(objects, service, account)...).
		WithStatusSubresource(service).Build()
	reconciler := &llmisvc.LLMISVCReconciler{
		Client:        memory,
		Config:        &rest.Config{Host: discovery.URL},
		Clientset:     k8sfake.NewSimpleClientset(configuration),
		EventRecorder: record.NewFakeRecorder(1000),
		Validator: func(ctx context.Context, one *v1alpha2.LLMInferenceService) error {
			_, err := validator.ValidateCreate(ctx, one)
			return err
		},
	}
	if _, err := reconciler.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(service)}); err != nil {
		return err
	}
	var made struct {
		Deployments      appsv1.DeploymentList
		LeaderWorkerSets lwsapi.LeaderWorkerSetList
		Service          v1alpha2.LLMInferenceService
	}
	for _, list := range []client.ObjectList{&made.Deployments, &made.LeaderWorkerSets} {
		if err := memory.List(ctx, list); err != nil {
			return err
		}
	}
	if err := memory.Get(ctx, client.ObjectKeyFromObject(service), &made.Service); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(made)
}
