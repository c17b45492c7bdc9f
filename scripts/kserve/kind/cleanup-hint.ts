/** Says on stderr how to take away by hand what is left, should the process end (a second Ctrl-C, a crash) before it did so itself. */
export function onSuddenExit(removal: string): Disposable {
  const say = () => process.stderr.write(`left behind; to delete it: ${removal}\n`);
  process.once('exit', say);
  return { [Symbol.dispose]: () => void process.off('exit', say) };
}
