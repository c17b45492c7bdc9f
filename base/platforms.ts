/** The platforms of the embedded base, in the order of its index. KServe publishes its own images for these four. */
export const platforms = [
  // The Go levels are the lowest ones, so that the image runs on every machine of its architecture.
  { architecture: 'amd64', level: { GOAMD64: 'v1' } },
  { architecture: 'arm64', level: { GOARM64: 'v8.0' } },
  { architecture: 'ppc64le', level: { GOPPC64: 'power8' } },
  { architecture: 's390x', level: {} },
] as const;

/** The tools that the binary implements: symbolic links to /bin/sh (tools.go and shell.go list the same ones). */
export const toolNames = [
  '[',
  'cat',
  'echo',
  'false',
  'ln',
  'ls',
  'mkdir',
  'printf',
  'pwd',
  'sleep',
  'test',
  'true',
] as const;
