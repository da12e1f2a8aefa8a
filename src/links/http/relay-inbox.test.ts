import { describe, expect, it } from 'vitest';
import { TestRelay, wireMessage } from '../../../test/support/relay.ts';
import { ParleyError } from '../../domain/errors.ts';
import { silentLogger } from '../../lib/logger.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import type { MessageV2 } from '../../protocol/message-v2.ts';
import { RelayClient, type RelayedMessage } from './relay-client.ts';
import { RelayInbox } from './relay-inbox.ts';

/** A relay that answers each poll with the next of these, and then not at all until it is asked to stop. */
class ScriptedRelay {
  readonly calls: string[] = [];
  /** What the next acks fail with. */
  readonly failures: Error[] = [];
  readonly #answers: (readonly RelayedMessage[] | Error)[];
  #whenDry: () => void = () => undefined;
  /** Resolves when all answers were given, and it is asked once more. */
  readonly dry = new Promise<void>((resolve) => {
    this.#whenDry = resolve;
  });

  constructor(...answers: (readonly RelayedMessage[] | Error)[]) {
    this.#answers = answers;
  }

  async poll(_poll: object, signal: AbortSignal): Promise<readonly RelayedMessage[]> {
    this.calls.push('poll');
    const answer = this.#answers.shift();
    if (answer instanceof Error) throw answer;
    if (answer) return answer;
    this.#whenDry();
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  }

  async ack(id: string): Promise<void> {
    this.calls.push(`ack ${id}`);
    const failure = this.failures.shift();
    if (failure) throw failure;
  }

  async nack(id: string, _token: string | undefined, reason: string): Promise<void> {
    this.calls.push(`nack ${id}: ${reason.slice(0, 26)}`);
  }
}

const relayed = (id: string, changes: object = {}): RelayedMessage => ({
  id,
  token: 't',
  message: wireMessage('alice', 'bob', { id, ...changes }),
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the inbox of an agent with a mailbox on a relay', () => {
  it('[REL-04] accepts what comes, and acks it only then', async () => {
    const client = new ScriptedRelay([relayed('one'), relayed('two')]);
    const accept = async ({ id }: MessageV2): Promise<void> => void client.calls.push(`accept ${id}`);
    const inbox = new RelayInbox({ client, accept, logger: silentLogger, clock: new ManualClock() });
    await client.dry;
    await inbox.stop();
    expect(client.calls).toEqual(['poll', 'accept one', 'accept two', 'ack one', 'ack two', 'poll']);
  });

  it('[REL-04] gives back what is no message, and what is never taken here', async () => {
    const client = new ScriptedRelay([relayed('one', { version: '9' }), relayed('two')]);
    const accept = (): Promise<void> => Promise.reject(new ParleyError('MESSAGE_INVALID', 'There are other messages.'));
    const inbox = new RelayInbox({ client, accept, logger: silentLogger, clock: new ManualClock() });
    await client.dry;
    await inbox.stop();
    expect(client.calls).toEqual([
      'poll',
      'nack one: This is not a valid Messag',
      'nack two: There are other messages.',
      'poll',
    ]);
  });

  it('[REL-04] acks nothing that it could not store, and tries again after a while', async () => {
    const client = new ScriptedRelay([relayed('one')], new Error('down'), new Error('down'));
    const clock = new ManualClock();
    const accept = (): Promise<void> => Promise.reject(new ParleyError('DISK_FULL', 'The disk is full.'));
    const inbox = new RelayInbox({ client, accept, logger: silentLogger, clock });
    for (const waitMs of [1_000, 2_000, 4_000]) {
      while (clock.armed === 0) await turn();
      const polls = client.calls.length;
      clock.advance(waitMs / 2 - 1);
      await turn();
      expect(client.calls).toHaveLength(polls);
      clock.advance(waitMs / 2 + 1);
    }
    await client.dry;
    await inbox.stop();
    expect(client.calls).toEqual(['poll', 'poll', 'poll', 'poll']);
  });

  it('[REL-04] an ack that fails is said again before anything else is fetched, but for one that comes too late', async () => {
    const client = new ScriptedRelay([relayed('one'), relayed('two')]);
    client.failures.push(
      new Error('down'),
      new Error('down'),
      new ParleyError('MESSAGE_INVALID', 'The lease has ended.'),
    );
    const clock = new ManualClock();
    const inbox = new RelayInbox({ client, accept: async () => undefined, logger: silentLogger, clock });
    for (const waitMs of [1_000, 2_000]) {
      while (clock.armed === 0) await turn();
      clock.advance(waitMs);
    }
    await client.dry;
    await inbox.stop();
    expect(client.calls).toEqual(['poll', 'ack one', 'ack one', 'ack one', 'ack two', 'poll']);
  });

  it('[REL-04] does not ask again and again a relay that does not wait', async () => {
    const client = new ScriptedRelay([]);
    const clock = new ManualClock();
    const inbox = new RelayInbox({ client, accept: async () => undefined, logger: silentLogger, clock });
    while (clock.armed === 0) await turn();
    clock.advance(999);
    await turn();
    expect(client.calls).toEqual(['poll']);
    clock.advance(1);
    await client.dry;
    await inbox.stop();
    expect(clock.armed).toBe(0);
  });

  it('[REL-04] takes from a real relay what it put in, without what the relay said of the lease', async () => {
    await using relay = await TestRelay.open(['alice', 'bob']);
    const secret = relay.secretOf('bob') ?? '';
    const account = { url: await relay.listen(), agent: 'bob', secret };
    const sent = wireMessage('alice', 'bob');
    await relay.post('alice', 'send', sent);
    const { clock } = relay.spool;
    const accepted = Promise.withResolvers<MessageV2>();
    const accept = async (message: MessageV2): Promise<void> => accepted.resolve(message);
    const client = new RelayClient(account, { clock });
    const inbox = new RelayInbox({ client, accept, logger: silentLogger, clock });
    const message = await accepted.promise;
    await inbox.stop();
    expect(message).toMatchObject(sent);
    for (const field of ['lease_token', 'lease_expires_at', 'attempt', 'max_attempts'])
      expect(message).not.toHaveProperty(field);
    expect((await relay.status('alice', sent.id)).body['status']).toBe('acked');
  });
});
