import { formatBytes } from '../text/bytes.ts';
import { type HtmlValue, html } from './html.ts';
import type { CatalogModel, SignatureState } from './types.ts';

/** How a state of signatures is shown: in short, and what more there is to say; `kind` is a class of the style. */
export function signatureWords(state: SignatureState): {
  label: string;
  kind: 'ok' | 'warn' | 'bad' | 'quiet';
  detail?: string;
} {
  switch (state.state) {
    case 'verified':
      return { label: 'Signed', kind: 'ok', detail: `every platform, by ${state.by.join(', ')}` };
    case 'unverified':
      return {
        label: 'Not verified',
        kind: 'warn',
        detail: 'signatures are attached; the catalog names no signer',
      };
    case 'untrusted':
      return {
        label: 'Not trusted',
        kind: 'bad',
        detail: 'no signer that the catalog trusts signed every platform',
      };
    case 'unsigned':
      return { label: 'Not signed', kind: 'quiet' };
    case 'unexamined':
      return { label: 'Not examined', kind: 'quiet' };
  }
}

/** Names of predicate types that people know; others are shown as they are. */
const statements: [RegExp, string][] = [
  [/^https:\/\/slsa\.dev\/provenance\//, 'Provenance (SLSA)'],
  [/^https:\/\/cyclonedx\.org\/bom/, 'Bill of materials (CycloneDX)'],
  [/^https:\/\/spdx\.dev\/Document/, 'Bill of materials (SPDX)'],
  [/^https:\/\/cosign\.sigstore\.dev\/attestation\/vuln/, 'Vulnerability scan'],
];

/** What an attestation is about, for people. */
export function statementName(predicateType: string): string {
  return statements.find(([pattern]) => pattern.test(predicateType))?.[1] ?? predicateType;
}

/** The page of a model, below the index. The name is a DNS-1123 label. */
export function pageOf(name: string): string {
  return `models/${name}.html`;
}

/** The YAML of a model's InferenceService, beside its page. */
export function manifestOf(name: string): string {
  return `models/${name}.yaml`;
}

/** A model's short facts: framework, task, licence, version, size, signature. */
export function tagsOf(model: CatalogModel): HtmlValue {
  const { framework, task, licence, version, files, image } = model;
  const { label, kind } = signatureWords(image.signature);
  const isExamined = image.signature.state !== 'unexamined';
  const facts = [framework, task, licence, version, files && formatBytes(files.size)];
  return html`<ul class="tags">${facts.map(
    (fact) => fact !== undefined && html`<li class="tag">${fact}</li>`,
  )}${isExamined && html`<li class="tag ${kind}">${label}</li>`}${
    image.isPushed === false && html`<li class="tag warn">Not in the registry</li>`
  }</ul>`;
}
