/**
 * The objects of a Kubeflow Model Registry, limited to the fields used here: REST APIs v1 and v1alpha3 (kubeflow/
 * model-registry, api/openapi/model-registry.yaml). Servers reject fields that they do not know, so nothing is sent that came after
 * release 0.2.10.
 */

/** A text as custom property. Integers are int32 there, too small for bytes, so every value is a text. */
export interface TextProperty {
  metadataType: 'MetadataStringValue';
  string_value: string;
}

/** An archived object still has its name; the user interface hides it. */
export type State = 'LIVE' | 'ARCHIVED';

/** A model, whatever its versions. */
export interface RegisteredModel {
  id: string;
  name: string;
  state: State;
}

/** A version of a registered model. */
export interface ModelVersion {
  id: string;
  name: string;
  registeredModelId: string;
  state: State;
  /** Its custom properties that are texts. */
  properties: Readonly<Record<string, string>>;
}

/** Where a version is stored. */
export interface ModelArtifact {
  id: string;
  name: string;
  /** `oci://quay.io/me/iris@sha256:…`; empty when it has none. */
  uri: string;
}

/** What to register for one version of a model. */
export interface Registration {
  /** Name of the registered model and of its artifact, as the Python client looks them up. */
  model: string;
  description?: string;
  /** `v1.2.3` */
  version: string;
  /** `sha256:…` of the image's index. */
  digest: string;
  /** `oci://…@digest` */
  uri: string;
  /** KServe's name of the model format: `sklearn`. */
  format?: { name: string; version?: string };
  /** Custom properties of the version. An empty value would be a label, and is left out. */
  properties: Readonly<Record<string, string>>;
}
