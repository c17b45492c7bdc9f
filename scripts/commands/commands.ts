import { add } from './add.ts';
import { all } from './all.ts';
import { bases } from './bases.ts';
import { bom } from './bom.ts';
import { build } from './build.ts';
import { cache } from './cache.ts';
import { catalog } from './catalog.ts';
import { clean } from './clean.ts';
import { cluster } from './cluster.ts';
import type { Command } from './command.ts';
import { completion } from './completion.ts';
import { diff } from './diff.ts';
import { doctor } from './doctor.ts';
import { init } from './init.ts';
import { inspect } from './inspect.ts';
import { list } from './list.ts';
import { lock } from './lock.ts';
import { manifest } from './manifest.ts';
import { outdated } from './outdated.ts';
import { policy } from './policy.ts';
import { prefetch } from './prefetch.ts';
import { promote } from './promote.ts';
import { prune } from './prune.ts';
import { pull } from './pull.ts';
import { push } from './push.ts';
import { rebase } from './rebase.ts';
import { register } from './register.ts';
import { scan } from './scan.ts';
import { sign } from './sign.ts';
import { smoke } from './smoke.ts';
import { split } from './split.ts';
import { verify } from './verify.ts';
import { version } from './version.ts';

/** Every command, in the order in which a new user needs them. */
export const commands: Command[] = [
  init,
  add,
  list,
  lock,
  outdated,
  build,
  verify,
  smoke,
  push,
  all,
  sign,
  promote,
  register,
  rebase,
  pull,
  diff,
  manifest,
  prefetch,
  catalog,
  bom,
  policy,
  cluster,
  cache,
  inspect,
  bases,
  scan,
  split,
  clean,
  prune,
  doctor,
  completion,
  version,
];
