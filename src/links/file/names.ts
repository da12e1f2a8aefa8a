import { ParleyError } from '../../domain/errors.ts';

/** What the name of a message's file says of its delivery, so that each change of it is one rename. */
export interface FileName {
  readonly id: string;
  /** Attempts begun. */
  readonly attempts: number;
  /** Epoch milliseconds. Queued: not before; claimed: when the lease runs out; settled: when it was. */
  readonly at: number;
  /** When its time to live ends, epoch milliseconds; null: as the message says. */
  readonly expiresAt: number | null;
  /** Of the lease, when it is claimed. */
  readonly token: string | null;
}

/** No separator, no dot in front, nothing that a shell or a file system takes for something else; `~` is ours. */
const SAFE = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/;
/** Windows opens a device under these names, whatever the ending. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/** Whether an id can be the name of a file, in any folder on any system. */
export const isFileName = (id: string): boolean => SAFE.test(id) && !id.endsWith('.') && !DEVICE.test(id);

/** Throws MESSAGE_INVALID when it cannot. */
export function requireFileName(id: string): void {
  if (isFileName(id)) return;
  throw new ParleyError('MESSAGE_INVALID', `The id ${JSON.stringify(id.slice(0, 80))} cannot be the name of a file.`, {
    hint: 'With the file transport, use at most 128 letters, digits and . _ @ + -, beginning with a letter or digit.',
  });
}

const NAME = /^([^~]+?)(?:~(\d{1,9})~(\d{1,16})~(\d{1,16})(?:~([0-9a-f]{32}))?)?\.json$/;

/** null when the name is none of ours. */
export function parseName(name: string): FileName | null {
  const [, id, attempts = '0', at = '0', expiresAt, token] = NAME.exec(name) ?? [];
  if (id === undefined || !isFileName(id)) return null;
  return {
    id,
    attempts: Number(attempts),
    at: Number(at),
    expiresAt: expiresAt === undefined ? null : Number(expiresAt),
    token: token ?? null,
  };
}

export function formatName({ id, attempts, at, expiresAt, token }: FileName): string {
  if (expiresAt === null) return `${id}.json`;
  return `${id}~${attempts}~${at}~${expiresAt}${token === null ? '' : `~${token}`}.json`;
}
