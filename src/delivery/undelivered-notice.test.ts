import { describe, expect, it } from 'vitest';
import { agentAddress, agentId, conversationId, messageId } from '../domain/addresses.ts';
import { CHAT_OUT } from '../domain/chat.ts';
import type { Message } from '../domain/message.ts';
import { startTrace } from '../domain/trace.ts';
import { undeliveredNotice } from './undelivered-notice.ts';

const ATLAS = agentId('atlas');
const OWNER = '+15550100';

/** Something that Atlas said, as it is in the spool. */
function said(kind: 'dm' | 'group', id: string, more: object = {}): Message {
  const speaker = { id: ATLAS, name: 'Atlas' };
  return {
    id: messageId('msg_1'),
    from: agentAddress(ATLAS),
    conversation: conversationId('conv_1'),
    replyTo: null,
    subject: '',
    body: 'Hello.',
    payload: { type: CHAT_OUT, data: { peer: { kind, id }, speaker, text: 'Hello.', ...more } },
    trace: startTrace(messageId('msg_0'), ATLAS),
    metadata: {},
    priority: 'normal',
    acceptedAt: 0,
    expiresAt: null,
  };
}

const noticeOf = (departed: Message) =>
  undeliveredNotice({ departed, channel: 'whatsapp', account: ATLAS, owner: OWNER, reason: 'no such number' });

describe('what could not be delivered after all', () => {
  it('[WHA-02] is told to the owner, once for each message, with the words of the platform', () => {
    const notice = noticeOf(said('dm', '+15550101'));
    expect(notice).toMatchObject({
      body: 'What Atlas said to +15550101 was not delivered: no such number. It is kept as msg_1.',
      deliveries: [{ to: 'channel:whatsapp:atlas', orderingKey: `dm:${OWNER}` }],
      payload: { data: { peer: { kind: 'dm', id: OWNER } } },
      trace: { root: 'msg_0', cause: 'msg_1', hop: 1 },
    });
    expect(noticeOf(said('dm', '+15550101'))?.id).toBe(notice?.id);
  });

  it('[WHA-02] [TRC-02] is not told of what was for the owner, nor of what programs say to each other', () => {
    expect(noticeOf(said('dm', OWNER))).toBeNull();
    expect(noticeOf(said('dm', '+15550101', { verbatim: true }))).toBeNull();
    expect(noticeOf(said('group', 'group-1'))).not.toBeNull();
  });
});
