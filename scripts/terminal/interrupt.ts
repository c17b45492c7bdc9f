/** The effect of Ctrl-C and SIGTERM on a run. */
export interface Interrupt {
  /** Aborts on the first signal; every long operation listens to it and cleans up after itself. */
  signal: AbortSignal;
  /** 130 or 143 after a signal (128 plus its number, as shells count), undefined before. */
  exitCode(): number | undefined;
  /** Restores the previous signal handling. */
  release(): void;
}

const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Turns the first SIGINT, SIGTERM or SIGHUP into an abort, so that temporary files and uploads are cleaned up, and the
 * second one into an immediate exit. `say` receives the one line to show; `last` runs right before that exit.
 */
export function catchSignals(say: (line: string) => void, last: () => void): Interrupt {
  const controller = new AbortController();
  let code: number | undefined;
  const stop = (name: NodeJS.Signals) => {
    const own = exitCodes[name as keyof typeof exitCodes];
    if (code !== undefined) {
      last();
      process.exit(own);
    }
    code = own;
    say('stopping… (again to stop at once, without cleaning up)');
    controller.abort();
  };
  for (const name of Object.keys(exitCodes)) process.on(name, stop);
  return {
    signal: controller.signal,
    exitCode: () => code,
    release() {
      for (const name of Object.keys(exitCodes)) process.off(name, stop);
    },
  };
}
