import type { Clock } from '../lib/clock.ts';
import { errorText } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';

/** Does something again and again; what it throws is logged. The returned function ends it. */
export function every(
  ms: number,
  { clock, logger }: { clock: Clock; logger: Logger },
  work: () => Promise<unknown>,
): () => void {
  let cancel: () => void = () => undefined;
  const arm = (): void => {
    cancel = clock.timer(clock.now() + ms, () => {
      arm();
      work().catch((error: unknown) => logger.error({ error: errorText(error) }, 'a periodic task failed'));
    });
  };
  arm();
  return () => cancel();
}
