import type { SocketConfig } from 'baileys';
import type { Logger } from '../../../lib/logger.ts';

type BaileysLogger = SocketConfig['logger'];

/** What Baileys logs holds messages, numbers and keys: of its warnings and errors alone, the constant words are passed on. */
export function baileysLogger(logger: Logger, account: string): BaileysLogger {
  const pass = (fields: unknown, message?: string): void => {
    if (typeof fields === 'object' && message !== undefined) logger.debug({ account }, `Baileys: ${message}`);
  };
  const quiet: BaileysLogger = {
    level: 'warn',
    child: () => quiet,
    trace() {},
    debug() {},
    info() {},
    warn: pass,
    error: pass,
  };
  return quiet;
}
