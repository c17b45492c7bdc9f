import { z } from 'zod';
import { schemaVersion } from '../heading.ts';

/** The parts that several `--json` documents share. Unknown fields are errors, so that a schema lists every field. */

export const bytes = z.int().nonnegative();
export const count = z.int().nonnegative();
export const digest = z.string();

/** A document: the heading and a command's own fields. */
export function document<N extends string, S extends z.core.$ZodLooseShape>(command: N, fields: S) {
  return z.strictObject({
    schemaVersion: z.literal(schemaVersion).describe('Version of this format.'),
    command: z.literal(command).describe('The command.'),
    ok: z.boolean().describe('Whether the command did its work; false with exit codes 1 and 2.'),
    ...fields,
  });
}

/** A failure, of a run or of one model. */
export const errorSchema = z
  .strictObject({
    code: z
      .enum([
        'usage',
        'catalog',
        'lock',
        'source',
        'integrity',
        'limit',
        'layout',
        'disk',
        'registry',
        'auth',
        'network',
        'trust',
        'tag',
        'scan',
        'cluster',
        'cancelled',
        'bug',
      ])
      .describe('The kind of failure, for programs.'),
    message: z.string().describe('What failed, where and why, for people; its wording can change.'),
    next: z.string().describe('The next step, for people.').exactOptional(),
  })
  .meta({ id: 'Error' });

/** What any command prints when it could not start its work or had to stop. */
export const failureSchema = z.strictObject({
  schemaVersion: z.literal(schemaVersion).describe('Version of this format.'),
  command: z.string().nullable().describe('The command; null when the command line has none.'),
  ok: z.literal(false).describe('Always false.'),
  error: errorSchema.describe('Why the command failed.'),
});

const tagSchema = z
  .strictObject({
    tag: z.string().describe('Name of the tag.'),
    current: z.boolean().describe('Whether it points at this image now; planned: whether it will.'),
    moved: z.boolean().describe('Whether this run set it.'),
    why: z.string().describe('Why it moved or stayed, for people.').exactOptional(),
    refused: z
      .enum(['login', 'rejected', 'rights', 'quota', 'immutable', 'other'])
      .describe("The registry's rule that keeps a floating tag where it is.")
      .exactOptional(),
  })
  .meta({ id: 'Tag' });

export const checkSchema = z
  .strictObject({
    rule: z.string().describe('Name of the rule of the image contract.'),
    text: z.string().describe('What was checked, for people.'),
    platform: z.string().describe('The platform, for a rule that is checked on each.').exactOptional(),
  })
  .meta({ id: 'Check' });

const severity = z.enum(['unknown', 'negligible', 'low', 'medium', 'high', 'critical']);
const vulnerability = z
  .strictObject({
    id: z.string().describe('As in `CVE-2026-1234`.'),
    severity: severity.describe('As the scanner ranks it.'),
    package: z.string().describe('Name of the package.'),
    version: z.string().describe('Its version in the image.'),
    fixedIn: z.string().describe('The version without it; absent when none is known.').exactOptional(),
  })
  .meta({ id: 'Vulnerability' });
const imageScan = z
  .strictObject({
    image: z.string().describe('A base as in the catalog, or the name of a loader.'),
    digest: digest.describe('Digest of its manifest.'),
    platform: z.string().describe('As in `linux/amd64`.'),
    counts: z.partialRecord(severity, count).describe('Vulnerabilities by severity.'),
    vulnerabilities: z.array(vulnerability).describe('Those that block, worst first; at most 1000.'),
  })
  .meta({ id: 'ImageScan' });
const scanSchema = z
  .strictObject({
    scanner: z
      .strictObject({
        name: z.enum(['grype', 'trivy']).describe('The program.'),
        version: z.string().describe('Its version.'),
        database: z.string().describe('When its database was built, in RFC 3339.'),
      })
      .describe('What scanned.'),
    failOn: severity.exclude(['unknown']).describe('Severity from which a vulnerability blocks.'),
    images: z.array(imageScan).describe('One entry per image and platform.'),
  })
  .meta({ id: 'Scan' });

/** The result for one model. */
const signed = z
  .strictObject({
    made: count.describe('How many this run made.'),
    existing: count.describe('How many valid ones of the same signer existed.'),
  })
  .meta({ id: 'Signed' });

const registered = z
  .strictObject({
    version: z.string().describe('The version, as in the model registry.'),
    uri: z
      .string()
      .describe('The registered URI; in another repository than `name` when it was registered from there.'),
    modelId: z.string().describe('Id of the registered model, when it exists.').exactOptional(),
    versionId: z.string().describe('Id of the model version, when it exists.').exactOptional(),
    artifactId: z.string().describe('Id of the model artifact, when it exists.').exactOptional(),
  })
  .meta({ id: 'Registered' });

export const outcomeSchema = z
  .strictObject({
    model: z.string().describe('Name in the catalog.'),
    status: z.enum(['done', 'unchanged', 'planned', 'failed']).describe('`planned` is of `--dry-run`.'),
    name: z
      .string()
      .describe('Name of the image: `iris:v1.0.0` in a layout, `quay.io/me/iris` in a registry.')
      .exactOptional(),
    digest: digest.describe('Digest of the image index.').exactOptional(),
    size: bytes.describe('Bytes of all distinct layers of all platforms, as stored.').exactOptional(),
    layers: count.describe("Layers of one platform's image, with those of the base.").exactOptional(),
    platforms: z.array(z.string()).describe('As in `linux/amd64`.').exactOptional(),
    tags: z.array(tagSchema).describe('Its tags, with build and push.').exactOptional(),
    createdRepository: z
      .boolean()
      .describe('Whether `--create-repository` created the repository, or would.')
      .exactOptional(),
    sent: bytes.describe('Bytes newly written to the layout, the registry or the bucket.').exactOptional(),
    signatures: signed
      .describe('With `--sign`: those of the index and of each platform, in two layouts.')
      .exactOptional(),
    attestations: signed
      .describe('With `--attest`: provenance and bill of materials of the index.')
      .exactOptional(),
    checks: z.array(checkSchema).describe('The checks that passed, with verification.').exactOptional(),
    scan: scanSchema.describe('With a vulnerability scan: what it found.').exactOptional(),
    from: z
      .string()
      .describe('With promote and rebase: the image that was copied or taken, with its digest.')
      .exactOptional(),
    base: z.string().describe('With rebase: the base of the new image.').exactOptional(),
    referrers: count
      .describe('With promote: signatures and attestations of the image and its platforms.')
      .exactOptional(),
    registered: registered.describe('With register: the version in the model registry.').exactOptional(),
    error: errorSchema.describe('Why the model failed, with status `failed`.').exactOptional(),
  })
  .meta({ id: 'Outcome' });

/** The fields of a command that works on models one by one. */
export const outcomes = {
  dryRun: z.boolean().describe('Whether nothing was written.'),
  models: z.array(outcomeSchema).describe('One entry per model, in the order of the catalog.'),
};

const diagnosisSchema = z
  .strictObject({
    stage: z
      .enum(['apply', 'pull', 'init', 'link', 'load', 'ready', 'answer'])
      .describe('Where the model stopped, in the order in which a pod starts.'),
    what: z.string().describe('The observation, for people.'),
    cause: z.string().describe('The likely cause, for people.').exactOptional(),
    fix: z.string().describe('The fix, for people.').exactOptional(),
    events: z.array(z.string()).describe('Events of the pod, oldest first.'),
    container: z.string().describe('The most relevant container.').exactOptional(),
    logs: z.array(z.string()).describe('The last lines of its log.'),
    expected: z.array(z.number()).describe('The expected classes.').exactOptional(),
    got: z.array(z.number()).describe('The predicted classes.').exactOptional(),
  })
  .meta({ id: 'Diagnosis' });

/** The result of one way of serving one model. */
export const smokeResultSchema = z
  .strictObject({
    model: z.string().describe('Name in the catalog.'),
    mode: z.enum(['oci', 'oci+native', 'oci+fetch', 'local']).describe('How the image was served.'),
    security: z.enum(['runtime', 'openshift', 'modelcar']).describe('The security context.'),
    status: z.enum(['passed', 'failed', 'skipped']).describe('The result.'),
    seconds: z.number().nonnegative().describe('From the start to the checked answer.'),
    reason: z.string().describe('Why it was skipped or failed, for people.').exactOptional(),
    request: z.string().describe('Which request was to be sent, for people.').exactOptional(),
    diagnosis: diagnosisSchema.describe('Why it does not serve.').exactOptional(),
  })
  .meta({ id: 'SmokeResult' });

export const smokeResults = z.array(smokeResultSchema);
