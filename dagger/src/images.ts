/**
 * The image that everything runs in: any Linux with glibc, Node and npm (Node 24 itself comes as an npm package, so that it is the
 * same through every door). Pinned; `--node-image` names another, a mirror's for instance.
 */
export const nodeImage =
  'docker.io/library/node:24-bookworm-slim@sha256:6f7b03f7c2c8e2e784dcf9295400527b9b1270fd37b7e9a7285cf83b6951452d';

/** The image in which a model server runs for the smoke test: Linux with glibc and Python 3.11. Pinned likewise; `--python-image`. */
export const pythonImage =
  'docker.io/library/python:3.11-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b';
