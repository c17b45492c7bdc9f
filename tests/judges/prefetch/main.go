// Reads DaemonSets and Jobs from its argument as the API server does: unknown fields and a selector that does not match the pods are
// errors. Then judges their pods by Pod Security's level restricted, which OpenShift's restricted-v2 is stricter than only in who the
// user is, and prints the count.
package main

import (
	"fmt"
	"os"
	"strings"

	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

func template(document string) (*core.PodTemplateSpec, error) {
	var kind meta.TypeMeta
	if err := yaml.Unmarshal([]byte(document), &kind); err != nil {
		return nil, err
	}
	switch kind.APIVersion + "/" + kind.Kind {
	case "apps/v1/DaemonSet":
		var set apps.DaemonSet
		if err := yaml.UnmarshalStrict([]byte(document), &set); err != nil {
			return nil, err
		}
		selector, err := meta.LabelSelectorAsSelector(set.Spec.Selector)
		if err != nil {
			return nil, err
		}
		if selector.Empty() || !selector.Matches(labels.Set(set.Spec.Template.Labels)) {
			return nil, fmt.Errorf("%s: the selector does not match the pods", set.Name)
		}
		return &set.Spec.Template, nil
	case "batch/v1/Job":
		var job batch.Job
		if err := yaml.UnmarshalStrict([]byte(document), &job); err != nil {
			return nil, err
		}
		return &job.Spec.Template, nil
	}
	return nil, fmt.Errorf("unknown kind %s/%s", kind.APIVersion, kind.Kind)
}

// The most that a pod's container asks for, in millicores and bytes.
func largest(spec core.PodSpec) (resource.Quantity, resource.Quantity) {
	cpu, memory := resource.Quantity{}, resource.Quantity{}
	for _, one := range append(append([]core.Container{}, spec.InitContainers...), spec.Containers...) {
		if one.Resources.Requests.Cpu().Cmp(cpu) > 0 {
			cpu = *one.Resources.Requests.Cpu()
		}
		if one.Resources.Requests.Memory().Cmp(memory) > 0 {
			memory = *one.Resources.Requests.Memory()
		}
	}
	return cpu, memory
}

func check(evaluator policy.Evaluator, document string) error {
	pods, err := template(document)
	if err != nil {
		return err
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	results := evaluator.EvaluatePod(level, &pods.ObjectMeta, &pods.Spec)
	if all := policy.AggregateCheckResults(results); !all.Allowed {
		return fmt.Errorf("restricted: %s: %s", all.ForbiddenReason(), all.ForbiddenDetail())
	}
	cpu, memory := largest(pods.Spec)
	if cpu.MilliValue() > 10 || memory.Value() > 16<<20 {
		return fmt.Errorf("a container requests %s and %s", cpu.String(), memory.String())
	}
	return nil
}

func main() {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks())
	count := 0
	for _, document := range strings.Split("\n"+os.Args[1], "\n---\n") {
		if err == nil {
			err = check(evaluator, document)
		}
		count++
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(count)
}
