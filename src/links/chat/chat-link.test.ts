import { describe, expect, it } from 'vitest';
import { wireMessage } from '../../../test/support/relay.ts';
import { agentId } from '../../domain/addresses.ts';
import type { AgentCard } from '../../domain/agent-card.ts';
import { type MessageV2, parseMessageV2 } from '../../protocol/message-v2.ts';
import { readPart } from '../../protocol/parts.ts';
import { type ChatLine, ChatLink } from './chat-link.ts';

const nova: AgentCard = {
  id: agentId('nova'),
  name: 'Nova',
  capabilities: [],
  device: '',
  transport: 'whatsapp',
  phone: '+15550002',
  provider: null,
  metadata: {},
};

const envelope = (payload: string): string => JSON.stringify({ protocol: 'ai-comms', payload });

function message(body: string, from = 'atlas'): MessageV2 {
  const parsed = parseMessageV2(wireMessage(from, 'nova', { id: 'msg_1', body }));
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
}

type Sent = Parameters<ChatLine['send']>[0];

function linkOver(outcome: Awaited<ReturnType<ChatLine['send']>> = { kind: 'sent' }, longestText = 1_000) {
  const sent: Sent[] = [];
  const line: ChatLine = {
    name: 'whatsapp',
    capabilities: { longestText },
    send: async (departure) => {
      sent.push(departure);
      return outcome;
    },
  };
  return { sent, link: new ChatLink(line, new Set(['atlas'])) };
}

describe('the link over a chat platform', () => {
  it('[WHA-05] sends an envelope as one message, as it is, from the number of its sender', async () => {
    const { link, sent } = linkOver();
    const body = envelope('hello');
    expect(await link.deliver(message(body), nova)).toBeNull();
    const chat = { peer: { kind: 'dm', id: '+15550002' }, text: body, verbatim: true };
    expect(sent).toMatchObject([{ id: 'msg_1:0', account: 'atlas', chat }]);
  });

  it('[WHA-05] a long one goes in parts, which have the same ids each time', async () => {
    const { link, sent } = linkOver();
    const body = envelope('x'.repeat(3_000));
    for (let i = 0; i < 2; i++) await link.deliver(message(body), nova);
    const half = sent.length / 2;
    expect(half).toBeGreaterThan(2);
    expect(sent.slice(half)).toEqual(sent.slice(0, half));
    expect(
      sent
        .slice(0, half)
        .map(({ chat }) => readPart(chat.text)?.text)
        .join(''),
    ).toBe(body);
  });

  it('[WHA-05] where the hidden id is known it is written to that', async () => {
    const { link, sent } = linkOver();
    await link.deliver(message(envelope('hello')), { ...nova, metadata: { whatsapp: '99@lid' } });
    expect(sent[0]?.chat.peer.id).toBe('99@lid');
  });

  it.each([
    ['what is no envelope', message('hello'), 'MESSAGE_INVALID'],
    ['a sender without a number', message(envelope('x'), 'bolt'), 'MESSAGE_INVALID'],
  ])('[WHA-05] %s is never sent', async (_what, given, code) => {
    const { link, sent } = linkOver();
    await expect(link.deliver(given, nova)).rejects.toMatchObject({ code });
    expect(sent).toEqual([]);
  });

  it.each([
    [{ kind: 'later', reason: 'not connected' }, 'CHANNEL_SEND_FAILED'],
    [{ kind: 'refused', reason: 'nobody' }, 'MESSAGE_INVALID'],
  ] as const)('[WHA-04] %j is told as what it is', async (outcome, code) => {
    const { link } = linkOver(outcome);
    await expect(link.deliver(message(envelope('x')), nova)).rejects.toMatchObject({ code });
  });
});
