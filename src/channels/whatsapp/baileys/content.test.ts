import * as baileys from 'baileys';
import { describe, expect, it } from 'vitest';
import { contentOf, reactionOf } from './content.ts';

const { proto } = baileys;
type Message = Parameters<typeof proto.Message.create>[0];

/** As it comes out of the decryption. */
const read = (message: Message) =>
  contentOf(baileys, proto.Message.decode(proto.Message.encode(message ?? {}).finish()));
const textOf = (message: Message): string | null => read(message)?.text ?? null;

const FILE = { mimetype: 'image/png', fileLength: 12, mediaKey: Buffer.alloc(32, 1), directPath: '/v/file', url: '' };

describe('what a reaction says', () => {
  const key = { remoteJid: '15550001@s.whatsapp.net', id: '3EB0', fromMe: false };
  const reaction = (message: Message) =>
    reactionOf(baileys, proto.Message.decode(proto.Message.encode(message ?? {}).finish()));

  it.each<[string, Message, object | null]>([
    ['an emoji', { reactionMessage: { text: '👍', key } }, { emoji: '👍', stanza: '3EB0' }],
    [
      'one in a chat whose messages disappear',
      { ephemeralMessage: { message: { reactionMessage: { text: '👎', key } } } },
      { emoji: '👎', stanza: '3EB0' },
    ],
    ['one that was taken back', { reactionMessage: { text: '', key } }, null],
    ['one to nothing', { reactionMessage: { text: '👍' } }, null],
    ['a text', { conversation: '👍' }, null],
  ])('[TOL-03] %s', (_what, message, expected) => {
    expect(reaction(message)).toEqual(expected);
  });
});

describe('what a message says', () => {
  it.each<[string, Message, string]>([
    ['a text', { conversation: 'hello' }, 'hello'],
    ['a text with a context', { extendedTextMessage: { text: 'hello' } }, 'hello'],
    ['a disappearing text', { ephemeralMessage: { message: { conversation: 'hello' } } }, 'hello'],
    ['a caption', { imageMessage: { ...FILE, caption: 'look' } }, 'look'],
    [
      'the caption of a document',
      { documentWithCaptionMessage: { message: { documentMessage: { ...FILE, caption: 'read' } } } },
      'read',
    ],
    ['a button', { buttonsResponseMessage: { selectedDisplayText: 'Yes', selectedButtonId: 'y' } }, 'Yes'],
    ['a button of a template', { templateButtonReplyMessage: { selectedDisplayText: 'Yes' } }, 'Yes'],
    ['a row of a list', { listResponseMessage: { title: 'Row one' } }, 'Row one'],
    ['an interactive answer', { interactiveResponseMessage: { body: { text: 'Chosen' } } }, 'Chosen'],
    ['a place', { locationMessage: { degreesLatitude: 52.2, degreesLongitude: 21 } }, '[location: 52.2, 21]'],
    [
      'a named place',
      { locationMessage: { degreesLatitude: 1, degreesLongitude: 2, name: 'Home' } },
      '[location: 1, 2 Home]',
    ],
    ['where somebody is', { liveLocationMessage: { degreesLatitude: 1, degreesLongitude: 2 } }, '[location: 1, 2]'],
    [
      'a contact',
      { contactMessage: { displayName: 'Bob', vcard: 'BEGIN:VCARD\nitem1.TEL;waid=1:+1 555 0101\nEND:VCARD' } },
      '[contact: Bob, +1 555 0101]',
    ],
    [
      'contacts',
      { contactsArrayMessage: { contacts: [{ displayName: 'A' }, { displayName: 'B' }] } },
      '[contacts: A; B]',
    ],
    [
      'a poll',
      { pollCreationMessageV3: { name: 'When?', options: [{ optionName: 'Now' }, { optionName: 'Later' }] } },
      '[poll: When? / Now / Later]',
    ],
    ['an event', { eventMessage: { name: 'Party' } }, '[event: Party]'],
    ['an invitation', { groupInviteMessage: { groupName: 'Team' } }, '[invitation to the group: Team]'],
  ])('[WHA-05] %s', (_kind, message, text) => {
    expect(textOf(message)).toBe(text);
  });

  it.each<[string, Message]>([
    ['a reaction', { reactionMessage: { text: '👍', key: { id: 'x' } } }],
    ['an edit', { editedMessage: { message: { conversation: 'better' } } }],
    ['a deletion', { protocolMessage: { type: proto.Message.ProtocolMessage.Type.REVOKE } }],
    ['a group key', { senderKeyDistributionMessage: { groupId: 'x' } }],
    ['a vote', { pollUpdateMessage: {} }],
    ['nothing', {}],
    ['an empty text', { conversation: '' }],
  ])('[WHA-05] %s is nothing for an agent', (_kind, message) => {
    expect(read(message)).toBeNull();
  });

  it('[WHA-05] a file without words is a file', () => {
    expect(read({ viewOnceMessageV2: { message: { imageMessage: FILE } } })).toEqual({
      text: '',
      mentions: [],
      quoted: null,
      media: [
        {
          kind: 'image',
          mime: 'image/png',
          bytes: 12,
          source: {
            type: 'image',
            directPath: '/v/file',
            url: null,
            mediaKey: Buffer.alloc(32, 1).toString('base64'),
            sha256: null,
          },
        },
      ],
    });
  });

  it('[WHA-05] a file that cannot be fetched is none, and its words count', () => {
    expect(read({ imageMessage: { caption: 'look', mimetype: 'image/png' } })).toMatchObject({
      text: 'look',
      media: [],
    });
    expect(read({ stickerMessage: { mimetype: 'image/webp' } })).toBeNull();
  });

  it('[WHA-05] mentions and the answered message are found, whatever they go with', () => {
    const contextInfo = { mentionedJid: ['900100@lid'], stanzaId: 'ABC', participant: '900200@lid' };
    const expected = { mentions: ['900100@lid'], quoted: { stanza: 'ABC', author: '900200@lid', text: null } };
    expect(read({ extendedTextMessage: { text: 'hi', contextInfo } })).toMatchObject(expected);
    expect(read({ imageMessage: { ...FILE, contextInfo } })).toMatchObject(expected);
    expect(read({ locationMessage: { degreesLatitude: 1, contextInfo } })).toMatchObject(expected);
  });

  it.each<[string, NonNullable<Message>, string | null]>([
    ['a text', { conversation: 'before' }, 'before'],
    ['a text with a context', { extendedTextMessage: { text: 'before' } }, 'before'],
    ['a disappearing text', { ephemeralMessage: { message: { conversation: 'before' } } }, 'before'],
    ['a caption', { imageMessage: { ...FILE, caption: 'look' } }, 'look'],
    ['a file without words', { imageMessage: FILE }, null],
    ['nothing', {}, null],
  ])('[WHA-05] the words of what it answers are known: %s', (_kind, quotedMessage, text) => {
    const contextInfo = { stanzaId: 'ABC', quotedMessage };
    expect(read({ extendedTextMessage: { text: 'hi', contextInfo } })?.quoted).toEqual({
      stanza: 'ABC',
      author: null,
      text,
    });
  });
});
