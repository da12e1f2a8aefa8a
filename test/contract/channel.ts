import { describe, expect, it } from 'vitest';
import type { Channel, ChatArrival, ChatDeparture, Receive } from '../../src/channels/channel.ts';

/** What the person on the other side of a channel sees and does. */
export interface ChannelHarness {
  readonly channel: Channel;
  /** An account and a person on the platform. */
  readonly account: string;
  readonly person: string;
  /** The person writes. Resolves with what the platform was told of it; rejects when it was told that it failed. */
  say(message: { readonly id: string; readonly text: string }): Promise<'accepted' | 'duplicate' | 'refused'>;
  /** What the channel makes of an id that the platform knows only in its chat. Default: the same. */
  readonly arrivalId?: (id: string) => string;
  /** Everything the person sees in the chat, oldest first, their own messages included; what was sent in parts, as one. */
  seen(): readonly { readonly id: string; readonly text: string; readonly mine: boolean }[];
  dispose(): Promise<void>;
}

const LONGEST = 10_000;
const AWKWARD = 'Zażółć 🧑‍🚀 \u202eabc\u202c\n\t<b>&amp;</b> e\u0301 \u0000 \u2028 "\\';

/** What every adapter of a chat platform keeps to. */
export function channelContract(name: string, makeHarness: () => Promise<ChannelHarness>): void {
  async function withChannel(receive: Receive, run: (harness: ChannelHarness) => Promise<void>): Promise<void> {
    const harness = await makeHarness();
    await harness.channel.start(receive);
    try {
      await run(harness);
    } finally {
      await harness.channel.stop();
      await harness.dispose();
    }
  }

  const departure = ({ account, person }: ChannelHarness, id: string, text: string): ChatDeparture => ({
    id,
    account,
    chat: { peer: { kind: 'dm', id: person }, speaker: { id: account, name: 'Speaker' }, text },
  });

  describe(`the ${name} channel keeps the contract:`, () => {
    it('[CHN-01] a message counts as accepted only once it is durable', async () => {
      const { receive, store } = heldBack();
      await withChannel(receive, async (harness) => {
        let told = false;
        const saying = harness.say({ id: 'm1', text: 'hello' }).then((outcome) => {
          told = true;
          return outcome;
        });
        await store.reached;
        expect(told).toBe(false);
        expect(harness.seen()).toEqual([]);
        store.commit();
        expect(await saying).toBe('accepted');
        expect(harness.seen()).toMatchObject([{ text: 'hello', mine: true }]);
      });
    });

    it('[CHN-01] a message that arrives twice is told as a duplicate and shown once', async () => {
      const spool = new Set<string>();
      const receive: Receive = async ({ id }) => {
        if (spool.has(id)) return 'duplicate';
        spool.add(id);
        return 'accepted';
      };
      await withChannel(receive, async (harness) => {
        expect(await harness.say({ id: 'm1', text: 'hello' })).toBe('accepted');
        expect(await harness.say({ id: 'm1', text: 'hello' })).toBe('duplicate');
        expect(spool.size).toBe(1);
        expect(harness.seen()).toHaveLength(1);
      });
    });

    it('[CHN-01] what the gate refuses is not shown as delivered', async () => {
      await withChannel(
        async () => 'refused',
        async (harness) => {
          expect(await harness.say({ id: 'm1', text: 'hello' })).toBe('refused');
          expect(harness.seen()).toEqual([]);
        },
      );
    });

    it('[CHN-01] when a message cannot be stored its sender is told, nothing is shown, and it can be sent again', async () => {
      let full = true;
      const receive: Receive = async () => {
        if (full) throw new Error('no space');
        return 'accepted';
      };
      await withChannel(receive, async (harness) => {
        await expect(harness.say({ id: 'm1', text: 'hello' })).rejects.toThrow();
        expect(harness.seen()).toEqual([]);
        full = false;
        expect(await harness.say({ id: 'm1', text: 'hello' })).toBe('accepted');
        expect(harness.seen()).toHaveLength(1);
      });
    });

    it.each([
      ['awkward', AWKWARD],
      ['long', 'ż'.repeat(LONGEST)],
    ])('[CHN-01] %s text comes through unchanged in both directions', async (_kind, text) => {
      const arrivals: ChatArrival[] = [];
      const receive: Receive = async (arrival) => {
        arrivals.push(arrival);
        return 'accepted';
      };
      await withChannel(receive, async (harness) => {
        await harness.say({ id: 'm1', text });
        await harness.channel.send(departure(harness, 'm2', text));
        expect(arrivals.map(({ chat }) => chat.text)).toEqual([text]);
        expect(harness.seen().map((bubble) => bubble.text)).toEqual([text, text]);
      });
    });

    it('[CHN-01] an arrival names the channel, the account, the chat and the sender', async () => {
      const arrivals: ChatArrival[] = [];
      const receive: Receive = async (arrival) => {
        arrivals.push(arrival);
        return 'accepted';
      };
      await withChannel(receive, async (harness) => {
        await harness.say({ id: 'm1', text: 'hello' });
        const { account, person, channel, arrivalId = (id) => id } = harness;
        const peer = { kind: 'dm', id: person };
        expect(arrivals).toMatchObject([
          { id: arrivalId('m1'), chat: { channel: channel.name, account, peer, sender: { id: person } } },
        ]);
      });
    });

    it('[CHN-01] a message sent twice under one id, one after the other or at once, appears once', async () => {
      await withChannel(refuseAll, async (harness) => {
        const { channel } = harness;
        await channel.send(departure(harness, 'm1', 'hello'));
        await channel.send(departure(harness, 'm1', 'hello'));
        await Promise.all([
          channel.send(departure(harness, 'm2', 'bye')),
          channel.send(departure(harness, 'm2', 'bye')),
        ]);
        expect(harness.seen().map(({ text }) => text)).toEqual(['hello', 'bye']);
      });
    });

    it('[CHN-01] nothing is sent before the start or after the stop, and stopping twice is harmless', async () => {
      const harness = await makeHarness();
      const { channel } = harness;
      await expect(channel.send(departure(harness, 'm1', 'early'))).rejects.toMatchObject({
        code: 'CHANNEL_SEND_FAILED',
      });
      await channel.start(refuseAll);
      await channel.stop();
      await channel.stop();
      await expect(channel.send(departure(harness, 'm2', 'late'))).rejects.toMatchObject({
        code: 'CHANNEL_SEND_FAILED',
      });
      expect(harness.seen()).toEqual([]);
      await harness.dispose();
    });

    it('[CHN-01] stopping waits for what is under way', async () => {
      const { receive, store } = heldBack();
      const harness = await makeHarness();
      await harness.channel.start(receive);
      const saying = harness.say({ id: 'm1', text: 'hello' });
      await store.reached;
      const order: string[] = [];
      const stopping = harness.channel.stop().then(() => order.push('stopped'));
      const said = saying.then((outcome) => order.push(outcome));
      store.commit();
      await Promise.all([said, stopping]);
      expect(order).toEqual(['accepted', 'stopped']);
      await harness.dispose();
    });
  });
}

const refuseAll: Receive = async () => 'refused';

/** A `receive` that has taken the message but has not committed it until told to. */
function heldBack(): { receive: Receive; store: { reached: Promise<void>; commit: () => void } } {
  const reached = Promise.withResolvers<void>();
  const committed = Promise.withResolvers<void>();
  const receive: Receive = async () => {
    reached.resolve();
    await committed.promise;
    return 'accepted';
  };
  return { receive, store: { reached: reached.promise, commit: () => committed.resolve() } };
}
