import { type ChannelHarness, channelContract } from '../../../../test/contract/channel.ts';
import { ACCOUNT, NUMBER, WhatsAppFixture } from '../../../../test/support/whatsapp-channel.ts';
import { connectPerson } from '../../../../test/support/whatsapp-person.ts';
import type { Channel, Receive } from '../../channel.ts';
import { arrivalId } from './arrival.ts';
import { stanzaOf } from './outgoing.ts';

const ANN = '15550100';
const MOST_PARTS = 5;

type Bubble = ReturnType<ChannelHarness['seen']>[number];

channelContract('WhatsApp (linked device)', async () => {
  const t = await WhatsAppFixture.make();
  const ann = await connectPerson(t.server, ANN, 'Ann');
  const outcomes = new Map<string, Awaited<ReturnType<Receive>> | 'failed'>();
  const partOf = new Map<string, string>();
  const mine: Bubble[] = [];

  const note = (id: string, outcome: Awaited<ReturnType<Receive>> | 'failed'): void => {
    outcomes.set(id, outcome);
    t.changed();
  };

  const channel: Channel = {
    name: t.channel.name,
    capabilities: t.channel.capabilities,
    start: async (receive) => {
      await t.channel.start(async (arrival) => {
        try {
          const outcome = await receive(arrival);
          if (outcome === 'accepted') await t.sessions.commit(arrival.also ?? []);
          note(arrival.id, outcome);
          return outcome;
        } catch (error) {
          note(arrival.id, 'failed');
          throw error;
        }
      });
      await t.isOpen();
    },
    send: async (departure) => {
      for (let part = 0; part < MOST_PARTS; part++) partOf.set(stanzaOf(departure.id, part), departure.id);
      const outcome = await t.channel.send(departure);
      const last = t.server.sent({ from: NUMBER }).at(-1)?.id;
      await ann.waitFor(() => ann.messages.some(({ id }) => id === last), 'hears the last part');
      return outcome;
    },
    typing: (account, peer, on) => t.channel.typing(account, peer, on),
    stop: () => t.channel.stop(),
  };

  /** What was not stored comes again by itself, when the account is connected again. */
  async function reconnected(): Promise<void> {
    if (t.channel.state(ACCOUNT).kind !== 'waiting') return;
    const before = t.count('open');
    t.clock.advance(5_000);
    await t.isOpen(before + 1);
  }

  return {
    channel,
    account: ACCOUNT,
    person: `+${ANN}`,
    arrivalId: (stanza) => arrivalId(ACCOUNT, `+${ANN}`, stanza),
    // WhatsApp tells a sender that a message has reached the device, or nothing; what has become of it there is not its matter.
    say: async ({ id, text }) => {
      const arrival = arrivalId(ACCOUNT, `+${ANN}`, id);
      await reconnected();
      outcomes.delete(arrival);
      const receipts = t.receipts(id).length;
      await ann.say(NUMBER, text, { id });
      const outcome = await t.until(() => outcomes.get(arrival), `${id} has come`);
      if (outcome === 'failed') {
        await t.until(() => t.count('closed') > 0, 'the connection is closed');
        throw new Error('WhatsApp was not told that the message has arrived');
      }
      await t.receipted(id, receipts + 1);
      if (outcome === 'accepted' && !mine.some((bubble) => bubble.id === id)) mine.push({ id, text, mine: true });
      return outcome;
    },
    seen: () => {
      const theirs = new Map<string, Bubble>();
      for (const { id: stanza, text } of ann.messages) {
        const id = partOf.get(stanza) ?? stanza;
        theirs.set(id, { id, text: (theirs.get(id)?.text ?? '') + text, mine: false });
      }
      return [...mine, ...theirs.values()];
    },
    dispose: async () => {
      await ann.stop();
      await t[Symbol.asyncDispose]();
    },
  };
});
