import { messageId } from '../domain/addresses.ts';
import { ParleyError } from '../domain/errors.ts';
import type { NewMessage } from '../domain/message.ts';
import type { Write } from '../domain/write.ts';
import { deriveId } from '../lib/ids.ts';
import type { Spool } from '../spool/spool.ts';

/**
 * Takes a message from elsewhere into one mailbox here. Brought again, it is not stored again. One whose id is that of another message
 * here (something for several agents, of which two are on this machine) is stored under an id that follows from it.
 * Rejects as the spool does.
 */
export async function acceptOnce(
  spool: Pick<Spool, 'send' | 'status'>,
  message: NewMessage,
  also?: readonly Write[],
): Promise<'accepted' | 'duplicate'> {
  const [own] = message.deliveries;
  for (const id of [message.id, messageId(deriveId('msg', message.id, own?.to ?? ''))]) {
    const [receipt] = await spool.send([{ ...message, id }], also);
    if (receipt?.duplicate !== true) return 'accepted';
    if (spool.status(id).some(({ to }) => to === own?.to)) return 'duplicate';
  }
  throw new ParleyError('MESSAGE_INVALID', `There are other messages here with the id ${message.id}.`);
}
