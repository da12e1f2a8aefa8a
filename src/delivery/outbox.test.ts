import { describe, expect, it } from 'vitest';
import { draft, openTestSpool } from '../../test/support/spool.ts';
import { accountAddress } from '../domain/addresses.ts';
import { CHAT_OUT, type ChatOut } from '../domain/chat.ts';
import { outbox } from './outbox.ts';

const ACCOUNT = accountAddress('test', 'atlas');
const FILE = { path: '/kept/file', mime: 'text/plain' };

/** What a channel is given to say, where several agents write from one number. */
async function saidOf(chat: Partial<ChatOut>): Promise<string | undefined> {
  await using t = openTestSpool();
  const said: string[] = [];
  const handle = outbox(
    'atlas',
    async (departure) => {
      said.push(departure.chat.text);
      return { kind: 'sent' };
    },
    () => true,
  );
  const data: ChatOut = {
    ...{ peer: { kind: 'dm', id: 'ann' }, speaker: { id: 'nova', name: 'Nova' }, text: '' },
    ...chat,
  };
  await t.spool.send([draft([], { deliveries: [{ to: ACCOUNT }], payload: { type: CHAT_OUT, data } })]);
  const [delivery] = await t.spool.claim(ACCOUNT);
  if (!delivery) throw new Error('nothing was delivered');
  await handle(delivery, new AbortController().signal);
  return said[0];
}

describe('the outbox of a number that several agents share', () => {
  it.each<[string, Partial<ChatOut>, string]>([
    ['a text', { text: 'hello' }, 'Nova: hello'],
    ['a file with a text', { text: 'Look', file: FILE }, 'Nova: Look'],
    ['a file alone', { file: FILE }, 'Nova'],
    ['a reaction', { reaction: '👍', replyTo: 'm1' }, ''],
    ['what a program reads', { text: 'hello', verbatim: true }, 'hello'],
  ])('[BRD-05] says who speaks, with %s', async (_what, chat, text) => {
    expect(await saidOf(chat)).toBe(text);
  });
});
