import { errorText } from '../../../lib/errors.ts';
import { closeCode } from './close-codes.ts';
import type { Ending } from './connection.ts';

/** What is to happen after a connection has ended, and why, in words. */
export interface Verdict {
  /** As in close-codes.ts. */
  readonly action: 'at-once' | 'retry' | 'stop' | 'link-again';
  readonly reason: string;
  /** Of WhatsApp; null when it gave none. */
  readonly code: number | null;
}

/** `isLinked`: whether the connection was one of a linked device, and not one on which a code was offered. */
export function judge(ending: Ending, isLinked: boolean): Verdict {
  if (ending.kind === 'not-stored') {
    const reason = `what WhatsApp delivered could not be stored: ${errorText(ending.error)}`;
    return { action: 'retry', reason, code: null };
  }
  if (ending.kind === 'not-trusted') {
    const reason = `the server could not prove that it is WhatsApp (${ending.reason})`;
    return { action: 'stop', reason, code: null };
  }
  const { code } = ending;
  if (code === null) return { action: 'retry', reason: ending.reason, code };
  // Codes that nobody has scanned are followed by new ones.
  if (!isLinked && code === 408) return { action: 'at-once', reason: 'the code was not used in time', code };
  const { action, reason } = closeCode(code);
  return { action: action === 'link-again' && !isLinked ? 'retry' : action, reason, code };
}
