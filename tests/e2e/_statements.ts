/** Prints both statements about the models of the catalog here, as they would be signed: one line each. */
import { loadCatalog } from '../../scripts/catalog/load.ts';
import { predict } from '../../scripts/pipeline/assemble.ts';
import { attestedImage, bomStatement, provenanceStatement } from '../../scripts/pipeline/attested-image.ts';
import { planImage } from '../../scripts/pipeline/plan-image.ts';
import { Session } from '../../scripts/pipeline/session.ts';
import { createProgress } from '../../scripts/terminal/progress.ts';
import { statementBytes } from '../../scripts/trust/attestations/statement.ts';

const catalog = await loadCatalog('models.yaml');
await using session = await Session.open({
  catalog,
  models: catalog.models,
  frozen: true,
  dryRun: false,
  registry: {},
  signal: new AbortController().signal,
  progress: await createProgress({ stream: process.stderr, enabled: false, interactive: false }),
});
for (const model of catalog.models) {
  const plan = await planImage(session, model);
  const known = await predict(session, plan);
  if (known === undefined) throw new Error(`${model.name} was not built`);
  const image = await attestedImage(session, plan, `quay.io/me/${model.name}`, known.index);
  for (const statement of [await bomStatement(session, plan, image), provenanceStatement(image, {})])
    console.log(Buffer.from(statementBytes(statement)).toString());
}
