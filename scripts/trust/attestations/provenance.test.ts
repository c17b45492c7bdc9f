import { describe, expect, test } from 'vitest';
import { attestedImage, commit, locked, model } from '../../../tests/support/attested-image.ts';
import { provenanceOf } from './provenance.ts';
import { statementBytes } from './statement.ts';

interface Predicate {
  buildDefinition: {
    buildType: string;
    externalParameters: Record<string, unknown>;
    resolvedDependencies: Record<string, unknown>[];
  };
  runDetails: Record<string, unknown>;
}
const predicateOf = (image = attestedImage(), env = {}) => provenanceOf(image, env).predicate as Predicate;

describe('provenance', () => {
  test('is an in-toto statement about the index and each manifest', () => {
    const statement = provenanceOf(attestedImage(), {});
    expect(statement._type).toBe('https://in-toto.io/Statement/v1');
    expect(statement.predicateType).toBe('https://slsa.dev/provenance/v1');
    expect(statement.subject).toEqual([
      { name: 'quay.io/me/llama', digest: { sha256: 'a'.repeat(64) } },
      { name: 'quay.io/me/llama (linux/amd64)', digest: { sha256: 'b'.repeat(64) } },
      { name: 'quay.io/me/llama (linux/arm64)', digest: { sha256: 'c'.repeat(64) } },
    ]);
  });

  test('lists commit, catalog, lock, every locked file at its revision, and the base of each platform', () => {
    const ubi = (digit: string, arch: string) =>
      `pkg:oci/ubi-micro@sha256:${digit.repeat(64)}?arch=${arch}&repository_url=registry.access.redhat.com%2Fubi10%2Fubi-micro&tag=latest`;
    const { resolvedDependencies } = predicateOf().buildDefinition;
    expect(resolvedDependencies).toEqual([
      {
        uri: 'git+https://github.com/me/models',
        digest: { gitCommit: commit },
        annotations: { uncommittedChanges: false },
      },
      { name: 'models/models.yaml', digest: { sha256: '4'.repeat(64) } },
      { name: 'models/models.lock.yaml', digest: { sha256: '5'.repeat(64) } },
      {
        name: 'config.json',
        uri: `hf://org/llama:${commit}#config.json`,
        digest: { sha256: '1'.repeat(64) },
      },
      {
        name: 'weights/a.safetensors',
        uri: `hf://org/llama:${commit}#weights/a.safetensors`,
        digest: { sha256: '2'.repeat(64) },
      },
      {
        name: 'tokenizer.json',
        uri: `hf://org/other:${'f'.repeat(40)}#tokenizer.json`,
        digest: { sha256: '3'.repeat(64) },
      },
      { name: 'base image (linux/amd64)', uri: ubi('d', 'amd64'), digest: { sha256: 'd'.repeat(64) } },
      { name: 'base image (linux/arm64)', uri: ubi('e', 'arm64'), digest: { sha256: 'e'.repeat(64) } },
    ]);
  });

  test('names what the catalog decides, with defaults applied, and nothing that is not in the image', () => {
    const serving = { args: ['--secret'], env: {}, imagePullSecrets: [] };
    const image = attestedImage({
      model: { ...model, serving, smoke: false, annotations: { b: '2', a: '1' } },
    });
    expect(predicateOf(image).buildDefinition.externalParameters).toEqual({
      catalog: 'models/models.yaml',
      model: {
        name: 'llama',
        version: 'v1.2.0',
        framework: 'vllm',
        source: 'hf://org/llama',
        base: 'registry.access.redhat.com/ubi10/ubi-micro:latest',
        platforms: ['linux/amd64', 'linux/arm64'],
        compression: 'none',
        title: 'A model',
        annotations: { a: '1', b: '2' },
      },
    });
  });

  test('of local files names their source, and says that the tree had uncommitted changes', () => {
    const source = 'file:iris';
    const file = { path: 'model.joblib', size: 1, sha256: '6'.repeat(64) };
    const image = attestedImage({
      model: { ...model, source },
      locked: { ...locked, source, files: [file] },
      files: [{ path: 'models/model.joblib', locked: file }],
      catalog: {
        file: { path: 'models.yaml', sha256: '4'.repeat(64) },
        repository: { commit, dirty: true },
      },
    });
    expect(predicateOf(image).buildDefinition.resolvedDependencies.slice(0, 3)).toEqual([
      { digest: { gitCommit: commit }, annotations: { uncommittedChanges: true } },
      { name: 'models.yaml', digest: { sha256: '4'.repeat(64) } },
      { name: 'model.joblib', uri: 'file:iris', digest: { sha256: '6'.repeat(64) } },
    ]);
  });

  test('claims no SLSA level, and on a laptop no invocation', () => {
    const { runDetails } = predicateOf();
    expect(runDetails).toEqual({
      builder: { id: expect.stringContaining('#laptop'), version: { modelcars: '0.1.0' } },
    });
    expect(Buffer.from(statementBytes(provenanceOf(attestedImage(), {}))).toString()).not.toMatch(/level/i);
  });

  test('differs between runs of CI in its metadata only', () => {
    const env = (run: string) => ({
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_WORKFLOW_REF: 'me/models/.github/workflows/push.yml@refs/heads/main',
      GITHUB_REPOSITORY: 'me/models',
      GITHUB_RUN_ID: run,
    });
    const text = (run: string) =>
      Buffer.from(statementBytes(provenanceOf(attestedImage(), env(run)))).toString();
    expect(text('7')).not.toBe(text('8'));
    expect(text('7').replace('/runs/7/', '/runs/8/')).toBe(text('8'));
  });
});

test('a statement has the same bytes whatever the order of its keys', () => {
  const subject = [{ digest: { sha256: 'a'.repeat(64) }, name: 'x' }];
  const one = {
    predicate: { b: 1, a: 2 },
    predicateType: 't',
    subject,
    _type: 'https://in-toto.io/Statement/v1',
  } as const;
  expect(Buffer.from(statementBytes(one)).toString()).toBe(
    `{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"x","digest":{"sha256":"${'a'.repeat(64)}"}}],"predicateType":"t","predicate":{"b":1,"a":2}}`,
  );
});
