/** Preloaded into a run of the program: writes the modules that it loads to the file of RECORD_LOADS, one per line. */
import { writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const loaded: string[] = [];
registerHooks({
  load(url, context, next) {
    loaded.push(url);
    return next(url, context);
  },
});
/** Those that Node itself has loaded before the program starts. */
const before = new Set(builtins());
process.on('exit', () => {
  const added = builtins().filter((name) => !before.has(name));
  if (process.env.RECORD_LOADS) writeFileSync(process.env.RECORD_LOADS, [...loaded, ...added].join('\n'));
});

/** The built-in modules in use, also those that others load: `node:tls`. */
function builtins(): string[] {
  const { moduleLoadList = [] } = process as NodeJS.Process & { moduleLoadList?: string[] };
  return moduleLoadList.flatMap((one) => (one.startsWith('NativeModule ') ? [`node:${one.slice(13)}`] : []));
}
