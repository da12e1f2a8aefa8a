import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { z } from 'zod';

/** Another process of the bench: one of its modules, with arguments. */
export function startChild(module: string, ...args: readonly string[]): ChildProcess {
  return fork(new URL(module, import.meta.url), args);
}

/** What it says next. Rejects when it goes without a word. */
export async function receive<T>(child: ChildProcess, schema: z.ZodType<T>): Promise<T> {
  const gone = new AbortController();
  const onGone = (): void => gone.abort();
  child.once('disconnect', onGone);
  try {
    const [message] = await once(child, 'message', { signal: gone.signal });
    return schema.parse(message);
  } finally {
    child.off('disconnect', onGone);
  }
}
