const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** 128 and the number of SIGINT: what a shell expects of a program that Ctrl-C kept from doing its work. */
export const INTERRUPTED_EXIT = 130;

/** Aborts when the process is asked to end (Ctrl-C); asked a second time, it ends at once. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => {
    for (const signal of SIGNALS) process.off(signal, stop);
    controller.abort();
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  return controller.signal;
}
