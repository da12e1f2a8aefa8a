const PATIENCE_MS = 10_000;

/** Lets others wait for something to become true, which can only happen where `changed` is called. */
export class Watch {
  readonly #checks = new Set<() => void>();

  changed(): void {
    for (const check of [...this.#checks]) check();
  }

  /** Resolves with what `look` finds, as soon as it finds anything. Rejects after ten seconds, with what was waited for. */
  until<T>(look: () => T | undefined | null | false, what: () => string): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const check = (): void => {
      const found = look();
      if (found !== undefined && found !== null && found !== false) resolve(found);
    };
    const timer = setTimeout(() => reject(new Error(`never: ${what()}`)), PATIENCE_MS);
    this.#checks.add(check);
    check();
    return promise.finally(() => {
      clearTimeout(timer);
      this.#checks.delete(check);
    });
  }
}
