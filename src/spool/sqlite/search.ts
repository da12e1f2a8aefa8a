import type { Address, ConversationId } from '../../domain/addresses.ts';
import type { Match } from '../archive.ts';
import { recipientsOf } from './conversations.ts';
import type { Database } from './database.ts';
import { MESSAGE_COLUMNS, type MessageRow, messageFromRow } from './rows.ts';

/** How much of the backlog one transaction puts into the index: the others should not have to wait for long. */
const BATCH_MESSAGES = 500;
const BATCH_CHARACTERS = 2_000_000;

/** How many words of the text around a match are shown. */
const SNIPPET_WORDS = 16;

interface MatchRow extends MessageRow {
  readonly snippet: string;
}

/** Brings the index up to date, then asks it. */
export async function search(
  db: Database,
  text: string,
  {
    limit,
    conversation,
    participant,
  }: { readonly limit: number; readonly conversation?: ConversationId; readonly participant?: Address },
): Promise<Match[]> {
  const query = matchExpression(text);
  if (query === null) return [];
  // What a power failure takes of the index is indexed again: it and the mark of how far it goes are one transaction.
  while (await db.write(() => indexNext(db), { durable: false }));
  // The best first, and only for those the words around: SQLite would cut a snippet out of every match to then drop most of them.
  const best = db
    .prepare<{ seq: number }>(
      `SELECT message_search.rowid AS seq FROM message_search ${within(conversation, participant)}
       WHERE message_search MATCH @query ORDER BY rank, message_search.rowid DESC LIMIT @limit`,
    )
    .all({ query, limit, ...(conversation && { conversation }), ...(participant && { participant }) });
  const found = db.prepare<MatchRow>(
    `SELECT ${MESSAGE_COLUMNS}, snippet(message_search, -1, '[', ']', '…', ${SNIPPET_WORDS}) AS snippet
     FROM message_search JOIN message m ON m.seq = message_search.rowid
     WHERE message_search MATCH ? AND message_search.rowid = ?`,
  );
  return best.flatMap(({ seq }) => {
    const row = found.get(query, seq);
    return row ? [{ message: messageFromRow(row), to: recipientsOf(db, seq), snippet: row.snippet }] : [];
  });
}

/** The join that leaves only what is asked for. Without one, the index alone decides. */
function within(conversation: ConversationId | undefined, participant: Address | undefined): string {
  const conditions = [
    ...(conversation === undefined ? [] : ['m.conversation = @conversation']),
    ...(participant === undefined
      ? []
      : [
          `(m.sender = @participant
            OR EXISTS (SELECT 1 FROM delivery d WHERE d.message = m.seq AND d.recipient = @participant))`,
        ]),
  ];
  if (conditions.length === 0) return '';
  return `JOIN message m ON m.seq = message_search.rowid AND ${conditions.join(' AND ')}`;
}

/** Takes the next messages into the index; false when there are none. */
function indexNext(db: Database): boolean {
  const from = indexedTo(db);
  const to = db
    .prepare<{ seq: number | null }>(
      `SELECT max(seq) AS seq FROM (
         SELECT seq, sum(length(subject) + length(body)) OVER (ORDER BY seq) - length(subject) - length(body) AS before
         FROM (SELECT seq, subject, body FROM message WHERE seq > ? ORDER BY seq LIMIT ${BATCH_MESSAGES}))
       WHERE before < ${BATCH_CHARACTERS}`,
    )
    .get(from)?.seq;
  if (to === null || to === undefined) return false;
  db.prepare(
    `INSERT INTO message_search (rowid, subject, body)
     SELECT seq, subject, body FROM searchable_message WHERE seq > ? AND seq <= ?`,
  ).run(from, to);
  setIndexedTo(db, to);
  return true;
}

/** Takes a message out of the index, before its row goes. */
export function unindex(db: Database, message: number): void {
  if (message <= indexedTo(db)) db.prepare('DELETE FROM message_search WHERE rowid = ?').run(message);
}

/** After the last rows of the table have gone, their numbers are given out again: what gets them is not in the index yet. */
export function unindexTail(db: Database): void {
  const last = db.prepare<{ seq: number | null }>('SELECT max(seq) AS seq FROM message').get()?.seq ?? 0;
  if (last < indexedTo(db)) setIndexedTo(db, last);
}

function indexedTo(db: Database): number {
  return db.prepare<{ seq: number }>('SELECT indexed_to AS seq FROM search_progress WHERE id = 1').get()?.seq ?? 0;
}

function setIndexedTo(db: Database, seq: number): void {
  db.prepare('UPDATE search_progress SET indexed_to = ? WHERE id = 1').run(seq);
}

/**
 * What a person typed as FTS5 understands it: each word and each "quoted phrase" becomes a quoted string, so that nothing in it is an
 * operator; all of them have to be there. null when there is no letter and no digit in it.
 */
export function matchExpression(text: string): string | null {
  const parts = [...text.toWellFormed().matchAll(/"([^"]*)"?|[^\s"]+/gu)].map(([all, phrase]) => phrase ?? all);
  const strings = parts
    .map((part) => part.replaceAll('\0', ' '))
    .filter((part) => /[\p{L}\p{N}]/u.test(part))
    .map((part) => `"${part}"`);
  return strings.length === 0 ? null : strings.join(' ');
}
