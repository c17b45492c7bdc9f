/**
 * The image that everything runs in: any Linux with glibc, Node and npm (Node 24 itself comes as an npm package, so that it is the
 * same through every door). Pinned; `--node-image` names another, a mirror's for instance.
 */
export const nodeImage =
  'docker.io/library/node:24-bookworm-slim@sha256:6f7b03f7c2c8e2e784dcf9295400527b9b1270fd37b7e9a7285cf83b6951452d';

/** The image in which a model server runs for the smoke test: Linux with glibc and Python 3.11. Pinned likewise; `with-images --python`. */
export const pythonImage =
  'docker.io/library/python:3.11-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b';

/** Docker in Docker, which kind clusters run in, and docker's command line. Pinned likewise; `with-images --docker`. */
export const dockerImage =
  'docker.io/library/docker:28.5.2-dind@sha256:2a232a42256f70d78e3cc5d2b5d6b3276710a0de0596c145f627ecfae90282ac';

/** The image in which kind is built of its Go module. Pinned likewise; `with-images --go`, or `with-kind --program` for kind itself. */
export const goImage =
  'docker.io/library/golang:1.26.4-alpine@sha256:7a3e50096189ad57c9f9f865e7e4aa8585ed1585248513dc5cda498e2f41812c';
export const kindVersion = 'v0.30.0';
