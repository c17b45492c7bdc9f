import type { Peer } from '../types.ts';
import { buildah } from './buildah.ts';
import { crane } from './crane.ts';
import { kit } from './kit.ts';
import { modctl } from './modctl.ts';
import { modelcars, modelcarsLock } from './modelcars.ts';
import { ociModelcar } from './oci-modelcar.ts';
import { olot } from './olot.ts';
import { copy } from './plain.ts';
import { podman } from './podman.ts';

/** All tools, modelcars first: the others are compared with it. */
export const peers: Peer[] = [
  modelcars,
  modelcarsLock,
  modctl,
  ociModelcar,
  crane,
  olot,
  kit,
  buildah,
  podman,
  copy,
];
