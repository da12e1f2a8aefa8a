import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { draft, mailbox, openTestSpool, type SpoolFixture } from '../../../test/support/spool.ts';
import { conversationId, messageId } from '../../domain/addresses.ts';
import { matchExpression } from './search.ts';
import { SqliteArchive } from './sqlite-archive.ts';

const open = () => {
  const t = openTestSpool();
  return { t, archive: new SqliteArchive(t.db) };
};
const say = async (t: SpoolFixture, id: string, body: string, more: Parameters<typeof draft>[1] = {}) =>
  void (await t.spool.send([draft('bob', { id: messageId(id), body, ...more })]));
const ids = async (archive: SqliteArchive, text: string, options = {}): Promise<string[]> =>
  (await archive.search(text, { limit: 20, ...options })).map(({ message }) => message.id).sort();

describe('searching messages', () => {
  it('[CNV-02] finds words in subject and body, in any order and case, without accents', async () => {
    const { t, archive } = open();
    await using _ = t;
    await say(t, 'a', 'The café opens at noon', { subject: 'Opening hours' });
    await say(t, 'b', 'Noon is late');
    expect(await ids(archive, 'NOON cafe')).toEqual(['a']);
    expect(await ids(archive, 'hours noon')).toEqual(['a']);
    expect(await ids(archive, 'noon')).toEqual(['a', 'b']);
    expect(await ids(archive, 'midnight')).toEqual([]);
    const [found] = await archive.search('cafe', { limit: 1 });
    expect(found).toMatchObject({ to: [mailbox('bob')], snippet: 'The [café] opens at noon' });
  });

  it('[CNV-02] the best comes first', async () => {
    const { t, archive } = open();
    await using _ = t;
    await say(t, 'a', 'deploy and a great many other words that have nothing to do with it at all');
    await say(t, 'b', 'deploy, deploy, deploy');
    expect((await archive.search('deploy', { limit: 1 })).map(({ message }) => message.id)).toEqual(['b']);
  });

  it('[CNV-02] a quoted phrase is found in its order only; operators are words', async () => {
    const { t, archive } = open();
    await using _ = t;
    await say(t, 'a', 'to be or not to be');
    await say(t, 'b', 'not to worry, be that as it may, or so');
    expect(await ids(archive, '"to be" or')).toEqual(['a']);
    expect(await ids(archive, 'be OR not')).toEqual(['a', 'b']);
    expect(await ids(archive, '"not to be')).toEqual(['a']);
    expect(await ids(archive, 'body:be')).toEqual([]);
  });

  it.each(['日本語', 'Straße', 'привет', 'e\u0301te\u0301', '👍 naïve', '50%'])('[CNV-02] finds %s', async (text) => {
    const { t, archive } = open();
    await using _ = t;
    await say(t, 'a', `before ${text} after`);
    expect(await ids(archive, text)).toEqual(['a']);
  });

  it('[CNV-02] no text is a syntax error', async () => {
    const { t, archive } = open();
    await using _ = t;
    await say(t, 'a', 'hello');
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({
        unit: fc.constantFrom('"', '*', '(', ')', ':', '^', '-', '+', ' ', 'a', 'NEAR', 'AND ', '\0', '{', '\ud800'),
      }),
    );
    await fc.assert(
      fc.asyncProperty(hostile, async (text) => {
        expect(Array.isArray(await archive.search(text, { limit: 5 }))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it.each(['', '  ', '"', '""', '-*^', '👍'])('[CNV-02] %j asks for nothing', (text) => {
    expect(matchExpression(text)).toBeNull();
  });

  it('[PRO-03] what was sealed is not found, nor an envelope that does not say', async () => {
    const { t, archive } = open();
    await using _ = t;
    const envelope = (data: { sealed?: boolean }) => ({ payload: { type: 'envelope', data } });
    await say(t, 'sealed', 'secret plan', envelope({ sealed: true }));
    await say(t, 'unsaid', 'secret plan', envelope({}));
    await say(t, 'open', 'secret plan', envelope({ sealed: false }));
    expect(await ids(archive, 'secret')).toEqual(['open']);
    expect(t.db.prepare("SELECT count(*) AS n FROM message_search('secret')").get()).toEqual({ n: 1 });
  });

  it('[CNV-02] within a conversation, and of one participant', async () => {
    const { t, archive } = open();
    await using _ = t;
    const conversation = conversationId('conv_other');
    await say(t, 'a', 'hello there', { from: mailbox('alice') });
    await say(t, 'b', 'hello again', { conversation });
    expect(await ids(archive, 'hello', { conversation })).toEqual(['b']);
    expect(await ids(archive, 'hello', { participant: mailbox('alice') })).toEqual(['a']);
    expect(await ids(archive, 'hello', { participant: mailbox('bob') })).toEqual(['a', 'b']);
  });

  it('[CNV-02] sending leaves the index alone; a search catches up, in parts', async () => {
    const { t, archive } = open();
    await using _ = t;
    const indexed = () => t.db.prepare('SELECT indexed_to AS seq FROM search_progress').get();
    await t.spool.send(Array.from({ length: 1_200 }, (_, n) => draft('bob', { body: `number ${n}` })));
    expect(indexed()).toEqual({ seq: 0 });
    expect(await archive.search('1199', { limit: 5 })).toHaveLength(1);
    expect(indexed()).toEqual({ seq: 1_200 });
  });

  it('[SPL-07] what is cleaned up is not found any more, and what gets its place is', async () => {
    const { t, archive } = open();
    await using _ = t;
    await say(t, 'a', 'an old word', { ttlMs: 1 });
    expect(await ids(archive, 'word')).toEqual(['a']);
    await say(t, 'b', 'a word not yet in the index', { ttlMs: 1 });
    t.clock.advance(1_000);
    const preview = await archive.previewCleanup(t.clock.now());
    expect(await ids(archive, 'old')).toEqual(['a']);
    expect(await t.spool.cleanup(t.clock.now())).toEqual(preview);
    expect(preview).toEqual({ expired: 2, removed: 2 });
    await say(t, 'c', 'a new word');
    expect(await ids(archive, 'word')).toEqual(['c']);
    expect(archive.problems()).toEqual([]);
  });
});
