import * as baileys from 'baileys';
import { describe, expect, it } from 'vitest';
import { isAddressed } from './arrival.ts';
import { contentOf } from './content.ts';

const { proto } = baileys;
const SELF = { id: '15550001:7@s.whatsapp.net', lid: '800000000000001:7@lid' };

type Context = Parameters<typeof proto.ContextInfo.create>[0];

/** Whether a text with this context is for the account, as it comes out of the decryption. */
function addressed(contextInfo: Context, self: Parameters<typeof isAddressed>[1] = SELF): boolean {
  const message = { extendedTextMessage: { text: 'hello', ...(contextInfo && { contextInfo }) } };
  const content = contentOf(baileys, proto.Message.decode(proto.Message.encode(message).finish()));
  if (!content) throw new Error('nothing was said');
  return isAddressed(baileys, self, content);
}

const OWN = [
  ['its number', '15550001@s.whatsapp.net'],
  ['its number, with a device', '15550001:3@s.whatsapp.net'],
  ['its number, as it was written before', '15550001@c.us'],
  ['its hidden id', '800000000000001@lid'],
  ['its hidden id, with a device', '800000000000001:12@lid'],
  ['its hidden id, hosted', '800000000000001:99@hosted.lid'],
] as const;

const OTHERS = [
  ['another number', '15550002@s.whatsapp.net'],
  ['another hidden id', '800000000000002@lid'],
  ['a hidden id with the digits of its number', '15550001@lid'],
  ['a number with the digits of its hidden id', '800000000000001@s.whatsapp.net'],
  ['the group', '15550001-1600000000@g.us'],
  ['nothing that can be read', ''],
  ['its number alone', '15550001'],
] as const;

describe('the account is spoken to in a group', () => {
  it.each(OWN)('[BRD-05] [WHA-05] when it is mentioned by %s', (_what, jid) => {
    expect(addressed({ mentionedJid: ['15550002@s.whatsapp.net', jid] })).toBe(true);
  });

  it.each(OWN)('[BRD-05] [WHA-05] when what it said is answered, that was said by %s', (_what, participant) => {
    expect(addressed({ stanzaId: 'X1', participant, quotedMessage: { conversation: 'hi' } })).toBe(true);
  });

  it('[BRD-05] [WHA-05] by its number, before its hidden id is known', () => {
    const self = { ...SELF, lid: null };
    expect(addressed({ mentionedJid: ['15550001@s.whatsapp.net'] }, self)).toBe(true);
    expect(addressed({ mentionedJid: ['800000000000001@lid'] }, self)).toBe(false);
  });
});

describe('the account is not spoken to', () => {
  it.each(OTHERS)('[BRD-05] [WHA-05] by a mention of %s, or an answer to it', (_what, jid) => {
    expect(addressed({ mentionedJid: [jid] })).toBe(false);
    expect(addressed({ stanzaId: 'X1', participant: jid, quotedMessage: { conversation: 'hi' } })).toBe(false);
  });

  it('[BRD-05] [WHA-05] by who answers somebody else and says its number, or says nothing of anybody', () => {
    expect(addressed(undefined)).toBe(false);
    // Whoever wrote it is not said: what is quoted may be anybody's.
    expect(addressed({ stanzaId: 'X1', quotedMessage: { conversation: 'hi' } })).toBe(false);
    // What is quoted may itself mention the account.
    const quotedMessage = { extendedTextMessage: { text: 'hi', contextInfo: { mentionedJid: [OWN[0][1]] } } };
    expect(addressed({ stanzaId: 'X1', participant: OTHERS[0][1], quotedMessage })).toBe(false);
  });
});
