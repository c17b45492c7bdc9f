/**
 * Prints manual clean-up instructions on stderr if the process ends (a second Ctrl-C, a crash) before it has cleaned
 * up.
 */
export function onSuddenExit(removal: string): Disposable {
  const say = () => process.stderr.write(`left behind; to delete it: ${removal}\n`);
  process.once('exit', say);
  return { [Symbol.dispose]: () => void process.off('exit', say) };
}
