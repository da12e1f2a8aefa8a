import type { SpoolFlags } from '../daemon/config/surroundings.ts';
import type { OutputOptions } from './output.ts';

/** What every command that works on the message spool takes. */
export type SpoolOptions = OutputOptions & SpoolFlags;

/** What a command that runs agents takes. */
export interface RunOptions extends SpoolOptions {
  readonly port?: string;
  /** One for all agents, or one for each in order. */
  readonly provider?: string[];
}
