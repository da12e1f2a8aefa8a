import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { draft, mailbox, openTestSpool, type SpoolFixture } from '../../test/support/spool.ts';
import type { MessageId } from '../domain/addresses.ts';
import { DepartingFiles } from './departing-files.ts';

const HOUR_MS = 3_600_000;
const REPORT = Buffer.from('the report');

function openFiles() {
  const t = openTestSpool();
  const folder = join(t.path, '../outgoing');
  const files = new DepartingFiles({ folder, spool: t.spool, clock: t.clock });
  return { ...t, folder, files };
}

/** Commits the message that a file was kept for. */
async function commit({ spool }: Pick<SpoolFixture, 'spool'>, maxAttempts = 1): Promise<MessageId> {
  const message = draft([], { deliveries: [{ to: mailbox('ann'), maxAttempts }] });
  await spool.send([message]);
  return message.id;
}

describe('the files that agents send', () => {
  it('[WHA-05] are kept whole, for this user alone, by the id of their message', async () => {
    await using t = openFiles();
    const { id } = draft('ann');
    const path = await t.files.keep(id, REPORT);
    expect(path).toMatch(new RegExp(`/outgoing/${id}\\.\\w+$`));
    expect(readFileSync(path)).toEqual(REPORT);
    expect([statSync(path).mode & 0o777, statSync(t.folder).mode & 0o777]).toEqual([0o600, 0o700]);
    expect(readdirSync(t.folder)).toHaveLength(1);
  });

  it('[WHA-05] [SPL-03] are not changed by a turn that has lost its lease, and goes on', async () => {
    await using t = openFiles();
    const id = await commit(t);
    const path = await t.files.keep(id, REPORT);
    const late = await t.files.keep(id, Buffer.from('something else'));
    expect(late).not.toBe(path);
    expect(readFileSync(path)).toEqual(REPORT);
    expect(await t.files.keep(id, REPORT)).toBe(path);
  });

  it('[WHA-05] stay until their message is settled, and go then', async () => {
    await using t = openFiles();
    const id = await commit(t);
    const path = await t.files.keep(id, REPORT);
    const old = new Date(t.clock.now() - 48 * HOUR_MS);
    utimesSync(path, old, old);
    await t.files.sweep();
    const [delivery] = await t.spool.claim(mailbox('ann'));
    if (!delivery) throw new Error('nothing was delivered');
    await t.files.sweep();
    expect(existsSync(path)).toBe(true);
    await t.spool.settle(delivery.lease, { kind: 'ack' });
    await t.files.sweep();
    expect(readdirSync(t.folder)).toEqual([]);
  });

  it('[WHA-05] stay with a dead letter, which may be sent again', async () => {
    await using t = openFiles();
    const path = await t.files.keep(await commit(t), REPORT);
    const [delivery] = await t.spool.claim(mailbox('ann'));
    if (!delivery) throw new Error('nothing was delivered');
    await t.spool.settle(delivery.lease, { kind: 'term', reason: 'no' });
    await t.files.sweep();
    expect(existsSync(path)).toBe(true);
  });

  it('[WHA-05] go a day later when their message never came', async () => {
    await using t = openFiles();
    const path = await t.files.keep(draft('ann').id, REPORT);
    // What a crash in the middle has left.
    const half = `${path}.7d444840`;
    writeFileSync(half, 'the rep');
    const now = t.clock.now();
    for (const file of [path, half]) utimesSync(file, new Date(now - 23 * HOUR_MS), new Date(now - 23 * HOUR_MS));
    await t.files.sweep();
    expect(readdirSync(t.folder)).toHaveLength(2);
    t.clock.advance(2 * HOUR_MS);
    await t.files.sweep();
    expect(readdirSync(t.folder)).toEqual([]);
  });

  it('[WHA-05] need not be there', async () => {
    await using t = openFiles();
    await t.files.sweep();
    expect(existsSync(t.folder)).toBe(false);
  });

  it('[WHA-05] [TOL-02] that cannot be kept are told of without saying where', async () => {
    await using t = openFiles();
    mkdirSync(join(t.folder, '..'), { recursive: true });
    writeFileSync(t.folder, 'a file in the place of the folder');
    await expect(t.files.keep(draft('ann').id, REPORT)).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      message: 'The file could not be kept for sending.',
    });
  });
});
