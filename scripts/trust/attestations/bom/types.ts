/** CycloneDX 1.6 (ECMA-424, 1st edition), as far as BOMs use it: cyclonedx.org/docs/1.6/json. */
export interface Bom {
  $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json';
  bomFormat: 'CycloneDX';
  specVersion: '1.6';
  /** `urn:uuid:…`. */
  serialNumber: string;
  version: 1;
  metadata: {
    /** RFC 3339. */
    timestamp?: string;
    lifecycles: { phase: 'build' }[];
    tools: { components: Component[] };
    component: Component;
  };
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
  compositions: Composition[];
}

export interface Component {
  type: 'application' | 'container' | 'file' | 'library' | 'machine-learning-model' | 'operating-system';
  'bom-ref'?: string;
  name: string;
  version?: string;
  description?: string;
  hashes?: { alg: 'SHA-256'; content: string }[];
  licenses?: ({ expression: string } | { license: { name: string } })[];
  purl?: string;
  pedigree?: { ancestors: Component[] };
  externalReferences?: { type: 'website' | 'distribution'; url: string }[];
  modelCard?: ModelCard;
  properties?: Property[];
}

export interface ModelCard {
  modelParameters: {
    /** The hub's name of a task: `text-generation`. */
    task?: string;
    datasets?: { type: 'dataset'; name: string }[];
  };
}

export interface Property {
  /** `modelcars:…`: docs/guide/bom.md lists them. */
  name: string;
  value: string;
}

/** How complete the dependencies of components are: `unknown` where others may exist, `incomplete` where others do. */
export interface Composition {
  aggregate: 'complete' | 'incomplete' | 'unknown';
  dependencies: string[];
}
