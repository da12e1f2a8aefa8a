import type { SpoolOptions } from './options.ts';
import { printResult } from './output.ts';
import { withSpool } from './with-spool.ts';

export interface CleanupOptions extends SpoolOptions {
  readonly dryRun?: boolean;
  /** Hours. */
  readonly olderThan?: number;
}

/** `parley cleanup`: expires what is past its time to live, and removes what was settled long ago. */
export async function cleanup(options: CleanupOptions): Promise<void> {
  const { dryRun = false, olderThan } = options;
  const { expired, removed } = await withSpool(options, (spool) =>
    spool.cleanup({ dryRun, ...(olderThan !== undefined && { olderThanHours: olderThan }) }),
  );
  printResult({ expired, removed, dry_run: dryRun }, options, () =>
    dryRun
      ? `Would mark ${expired} delivery(s) as expired and remove ${removed} message(s).`
      : `Marked ${expired} delivery(s) as expired and removed ${removed} message(s).`,
  );
}
