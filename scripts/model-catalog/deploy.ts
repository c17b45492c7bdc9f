import { type Html, html } from './html.ts';
import type { CatalogModel } from './types.ts';
import { manifestOf } from './words.ts';

/** How to serve a model and how to get its files: commands and the InferenceService. */
export function deploySection(model: CatalogModel): Html {
  const { name, manifest } = model;
  const reference = referenceOf(model);
  if (reference === undefined)
    return html`<h2 id="deploy">Deploy</h2>
<p class="note">No registry is known for this image: give the catalog a <code>registry:</code>, and push the model.</p>`;
  const file = manifestOf(name).split('/').at(-1);
  const serve =
    manifest === undefined
      ? html`<p class="note">The digest of this image is not known yet, so there is no InferenceService for it.</p>`
      : html`<p>Save the InferenceService as <a href="${file}" download>${file}</a>, and apply it to a cluster with KServe:</p>
${command(`kubectl apply -f ${file}`)}
${command(manifest.trimEnd())}`;
  return html`<h2 id="deploy">Deploy</h2>
${serve}
<h2 id="files">Get the files</h2>
<p>They are in the image, below <code>/models</code>; every file is compared with its digest:</p>
${command(`npx modelcars pull ${reference} --output ${name}`)}
<p>Without Node:</p>
${command(`podman create --name ${name} ${reference} sh
podman cp ${name}:/models ./${name}
podman rm ${name}`)}`;
}

/** The image by its digest, otherwise by its tag; undefined without a registry. */
export function referenceOf({ image }: CatalogModel): string | undefined {
  if (image.repository === undefined) return undefined;
  return image.digest === undefined
    ? `${image.repository}:${image.tag}`
    : `${image.repository}@${image.digest}`;
}

function command(text: string): Html {
  return html`<div class="code"><pre tabindex="0"><code>${text}</code></pre></div>`;
}
