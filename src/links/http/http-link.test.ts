import { describe, expect, it } from 'vitest';
import { answering } from '../../../test/support/answering.ts';
import { TestRelay, wireMessage } from '../../../test/support/relay.ts';
import { agentId } from '../../domain/addresses.ts';
import type { AgentCard } from '../../domain/agent-card.ts';
import { ParleyError } from '../../domain/errors.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import { type MessageV2, parseMessageV2 } from '../../protocol/message-v2.ts';
import { HttpLink } from './http-link.ts';

const message = (from = 'alice', to = 'bob', changes: object = {}): MessageV2 => {
  const parsed = parseMessageV2(wireMessage(from, to, changes));
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
};

const cardAt = (url: string, id = 'bob'): AgentCard => ({
  id: agentId(id),
  name: id,
  capabilities: [],
  device: 'remote',
  transport: 'http',
  phone: null,
  provider: null,
  metadata: { relay_url: url },
});

const linkTo = (relay: TestRelay) =>
  new HttpLink({ secretOf: (agent) => relay.secretOf(agent), clock: relay.spool.clock });

const countFor = async (relay: TestRelay, agent: string) => (await relay.poll(agent)).body['count'];

/** What delivering comes to: the code of its error, or `delivered`. */
const outcome = (delivering: Promise<unknown>): Promise<string> =>
  delivering.then(
    () => 'delivered',
    (error: unknown) => (error instanceof ParleyError ? error.code : String(error)),
  );

const deliverTo = (url: string) =>
  outcome(new HttpLink({ secretOf: () => 'secret', clock: new ManualClock() }).deliver(message(), cardAt(url)));

describe('the link to an HTTP relay', () => {
  it('[REL-04] delivers as the sender, and delivered twice is delivered once', async () => {
    await using relay = await TestRelay.open(['alice', 'bob']);
    const url = await relay.listen();
    const sent = message('alice', 'bob', { metadata: { x: 1 }, routing: { conversation_id: 'conv_1' } });
    for (let i = 0; i < 2; i++) await linkTo(relay).deliver(sent, cardAt(url));
    expect(await relay.poll('bob')).toMatchObject({ body: { count: 1, messages: [sent] } });
  });

  it('[REL-04] brings a broadcast to each of several agents of one relay, once', async () => {
    await using relay = await TestRelay.open(['alice', 'bob', 'carol']);
    const url = await relay.listen();
    const sent = message('alice', '*', { payload: { type: 'broadcast', data: {} } });
    for (const id of ['bob', 'carol', 'bob', 'carol']) await linkTo(relay).deliver(sent, cardAt(url, id));
    expect([await countFor(relay, 'bob'), await countFor(relay, 'carol')]).toEqual([1, 1]);
  });

  it('[REL-03] [SEC-05] does nothing, and says so, for a sender without a secret', async () => {
    await using relay = await TestRelay.open(['bob']);
    const url = await relay.listen();
    await expect(linkTo(relay).deliver(message('dave'), cardAt(url))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      hint: expect.stringContaining('AGENT_COMM_SECRET_dave'),
    });
  });

  it.each([
    ['an agent that the relay does not know', 'nobody', {}, 'MESSAGE_INVALID'],
    ['more than the relay takes', 'bob', { body: 'x'.repeat(1024 * 1024) }, 'MESSAGE_INVALID'],
  ])('[REL-04] what can never be delivered is told from what can later: %s', async (_what, to, changes, code) => {
    await using relay = await TestRelay.open(['alice', 'bob']);
    const url = await relay.listen();
    expect(await outcome(linkTo(relay).deliver(message('alice', to, changes), cardAt(url, to)))).toBe(code);
  });

  it('[REL-03] a secret that does not fit is no fault of the message', async () => {
    await using relay = await TestRelay.open(['alice', 'bob']);
    expect(await deliverTo(await relay.listen())).toBe('CONFIG_INVALID');
  });

  it.each(['', 'ftp://host', 'not a url', 'http://user:word@host', 'http://host?x=1'])(
    '[REL-03] %s is no address of a relay',
    async (url) => {
      expect(await deliverTo(url)).toBe('CONFIG_INVALID');
    },
  );

  it('[REL-04] finds a relay that has a path, behind a proxy', async () => {
    const seen: unknown[] = [];
    await using server = await answering(({ url }, response) => {
      seen.push(url);
      response.end('{}');
    });
    expect(await deliverTo(`${server.url}/relays/one`)).toBe('delivered');
    expect(seen).toEqual(['/relays/one/api/v1/send']);
  });

  it('[REL-04] nobody there, and it is tried again later', async () => {
    let url = '';
    {
      await using server = await answering(() => undefined);
      url = server.url;
    }
    expect(await deliverTo(url)).toBe('CHANNEL_SEND_FAILED');
  });

  it.each([
    [429, 'CHANNEL_SEND_FAILED'],
    [500, 'CHANNEL_SEND_FAILED'],
    [503, 'CHANNEL_SEND_FAILED'],
    [401, 'CONFIG_INVALID'],
    [400, 'MESSAGE_INVALID'],
    [403, 'MESSAGE_INVALID'],
    [204, 'delivered'],
  ])('[REL-04] a relay that answers %i: %s', async (status, code) => {
    await using server = await answering((_request, response) => response.writeHead(status).end());
    expect(await deliverTo(server.url)).toBe(code);
  });

  it('[REL-03] does not follow a redirect with what was signed for this relay', async () => {
    const seen: unknown[] = [];
    await using server = await answering(({ url }, response) => {
      seen.push(url);
      response.writeHead(307, { location: '/elsewhere' }).end();
    });
    expect(await deliverTo(server.url)).toBe('CHANNEL_SEND_FAILED');
    expect(seen).toEqual(['/api/v1/send']);
  });

  it('[REL-03] reads no answer without an end', async () => {
    await using server = await answering((_request, response) => {
      const more = (): void => {
        if (response.destroyed) return;
        response.write('x'.repeat(1024 * 1024), more);
      };
      more();
    });
    expect(await deliverTo(server.url)).toBe('CHANNEL_SEND_FAILED');
  });
});
