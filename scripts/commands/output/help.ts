import { sourceKinds } from '../../sources/kinds.ts';

/** The end of every command's help. */
export const commandEpilog =
  'Exit codes: 0 done, 1 failed, 2 wrong usage or models.yaml; 130 Ctrl-C, 143 SIGTERM';

/** The end of the program's help. */
export const programEpilog = `Environment:
  MODELCARS_REGISTRY_USERNAME, MODELCARS_REGISTRY_PASSWORD (or _TOKEN)
                         credentials for MODELCARS_REGISTRY_HOST, else for the
                         registry pushed to; without them those of
                         \`docker login\` and \`podman login\` are used
${sourceKinds
  .flatMap(({ environment }) => environment)
  .map(({ name, purpose }) => `  ${nameColumn(name)} ${purpose}\n`)
  .join('')}  MODELCARS_STORE        where downloads are kept (default ~/.cache/modelcars)
  MODELCARS_MODEL_REGISTRY, MODELCARS_MODEL_REGISTRY_TOKEN
                         URL and token of the model registry of \`register\`
  CI=true                plain lines, and the lock must be up to date
  DISABLE_PROGRESS=true  no progress; NO_COLOR=1: no colour
  DEBUG=modelcars        stacks and causes of errors

${commandEpilog}`;

/** The column of names; a longer one has a line of its own. */
function nameColumn(name: string): string {
  return name.length > 22 ? `${name}\n${' '.repeat(24)}` : name.padEnd(22);
}
