/** The package's entry `modelcars/framework`: what a framework.ts beside a models.yaml needs. */
import type { Framework } from './model/types.ts';

export type * from './model/smoke.ts';
export type {
  Choice,
  Framework,
  ImageFindings,
  ModelReader,
  Refusal,
  RuntimeLibraries,
} from './model/types.ts';

/** Returns the framework unchanged; editors complete and check its fields. `export default defineFramework({…})`. */
export function defineFramework(framework: Framework): Framework {
  return framework;
}
