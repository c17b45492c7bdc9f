/** The program's advice is written for its command line; here it names `dagger call` and the flags of this module. */
const translations: [words: RegExp, replacement: string][] = [
  [/`modelcars lock --upgrade`/g, '`dagger call lock --upgrade export --path models.lock.yaml`'],
  [/`modelcars lock --layers`/g, '`dagger call lock export --path models.lock.yaml`'],
  [/`modelcars lock`/g, '`dagger call lock export --path models.lock.yaml`'],
  [/`modelcars build(?: ([\w.-]+))?`/g, '`dagger call build-all export --path out`'],
  [/`modelcars sign`/g, '`dagger call with-signing … registry … sign`'],
  [/`modelcars (init|add|completion|prune|doctor)\b([^`]*)`/g, '`npx modelcars $1$2`'],
  [/`modelcars ([a-z]+) --help`/g, '`dagger call $1 --help`'],
  [/`modelcars ([a-z]+)`/g, '`dagger call $1`'],
  [/name a models\.yaml with -f FILE/g, 'pass the folder of models.yaml: --source .'],
  [/pass --registry ([^\s,]+)/g, 'pass --registry $1 (`registry --address $1` in a chain)'],
  [/pass --mirror\b/g, 'pass --mirrors of with-overrides'],
  [/`?--ca-file`?(?: FILE)?/g, '`dagger call --ca-file FILE`'],
  [/`--insecure`/g, '`dagger call with-network --insecure HOST`'],
  [/pass --insecure (\S+)/g, 'pass `dagger call with-network --insecure $1`'],
  [/(?:choose the|choose its) tag with --tag\b/g, 'choose its tag with --tags'],
  [/--trusted-root FILE/g, '`dagger call with-sigstore --trusted-root FILE`'],
  [/--fulcio-url/g, '--fulcio-url of with-sigstore'],
  [/--context NAME/g, '`dagger call cluster --kubeconfig file:PATH --context NAME smoke`'],
  [/`--node-image` sets/g, '`dagger call with-kind --node-image` sets'],
  [/`--kind-config` a/g, '`--config` of with-kind a'],
  [
    /set both MODELCARS_REGISTRY_USERNAME and MODELCARS_REGISTRY_PASSWORD, or neither/g,
    'pass both --username and --password, or neither',
  ],
  [/set HF_TOKEN to a token/g, 'pass --hf-token env:HF_TOKEN before the function, with a token'],
  [
    /set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/g,
    'pass --access-key-id and --secret-access-key of with-buckets',
  ],
  [/set AWS_REGION/g, 'set --region of with-buckets'],
  [
    /set GOOGLE_APPLICATION_CREDENTIALS to a credentials file/g,
    'pass --credentials file:PATH of with-google',
  ],
  [/set AZURE_STORAGE_SAS_TOKEN, AZURE_STORAGE_KEY/g, 'pass --sas-token or --key of with-azure'],
];

/** A message whose `next:` lines name this module's functions and flags. */
export function inDaggersWords(message: string): string {
  return message
    .split('\n')
    .map((line) =>
      line.startsWith('next: ')
        ? translations.reduce((text, [words, replacement]) => text.replaceAll(words, replacement), line)
        : line,
    )
    .join('\n');
}
