import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { DaemonProcess } from '../support/daemon-process.ts';
import { FAULT_SCALE } from '../support/fault-scale.ts';
import { Phone, type Said } from '../support/phone.ts';
import { noSmallDisks, SmallDisk } from '../support/small-disk.ts';
import { temporaryFolder } from '../support/spool.ts';
import { DatabaseFile, unsettledIn } from './database-file.ts';

/** The write-ahead log has room of its own, from before: that many long messages are more than fit in there. */
const MORE_THAN_FITS = 2000;
/** Said just before the disk is full. */
const UNDER_WAY = 5;
const LONG = 'Tell me something about everything. '.repeat(250);

/** Says one message after the other until one is not taken; returns which were, and what the last one came to. */
async function sayUntilRefused(
  phone: Phone,
  round: number,
): Promise<{ accepted: string[]; refused: Said; id: string }> {
  const accepted: string[] = [];
  for (let i = 0; i < MORE_THAN_FITS; i++) {
    const id = `round-${round}-${i}`;
    const said = await phone.say({ id, account: 'atlas_001', text: LONG });
    if (said.status !== 202) return { accepted, refused: said, id };
    accepted.push(id);
  }
  throw new Error('the disk does not fill up');
}

/** What `/ready` answers, when that is with the status that belongs to it. */
async function readiness({ url }: DaemonProcess): Promise<unknown> {
  const response = await fetch(new URL('/ready', url));
  const answer: unknown = await response.json();
  return response.status === (isReady(answer) ? 200 : 503) ? answer : null;
}

const isReady = (answer: unknown): boolean => z.object({ status: z.literal('ready') }).safeParse(answer).success;

describe.skipIf(noSmallDisks())('a disk that fills up', () => {
  it(`[RUN-04] [OBS-01] [SPL-06] refuses what it cannot keep, and when there is room again nothing accepted is lost (${FAULT_SCALE.fullDisks} times)`, {
    timeout: FAULT_SCALE.fullDisks * 40_000,
  }, async () => {
    const folder = temporaryFolder();
    using disk = new SmallDisk(24);
    const database = join(disk.path, 'coordination.db');
    const env = { AGENT_COMM_DB_PATH: database, SECURITY_ENABLE_RATE_LIMIT: 'false' };
    await using daemon = await DaemonProcess.start({ folder: folder.path, env });
    const phone = new Phone(daemon.url);
    const accepted: string[] = [];
    for (let round = 0; round < FAULT_SCALE.fullDisks; round++) {
      // Its agents are at work when it happens.
      const underWay = Array.from({ length: UNDER_WAY }, (_, i) => `round-${round}-before-${i}`);
      for (const said of await Promise.all(underWay.map((id) => phone.say({ id, account: 'atlas_001', text: LONG }))))
        expect(said.status).toBe(202);
      disk.fill();
      const full = await sayUntilRefused(phone, round);
      expect(full.refused).toMatchObject({
        status: 503,
        error: { code: 'DISK_FULL', hint: expect.stringContaining('Free some space') },
      });
      // What it tries there is smaller than a message: it may still fit a few times.
      await expect.poll(() => readiness(daemon), { timeout: 10_000 }).toMatchObject({ error: { code: 'DISK_FULL' } });
      expect((await fetch(new URL('/health', daemon.url))).status).toBe(200);

      disk.free();
      expect(await phone.say({ id: full.id, account: 'atlas_001', text: LONG })).toMatchObject({ status: 202 });
      accepted.push(...underWay, ...full.accepted, full.id);
      await expect.poll(() => unsettledIn(database), { timeout: 30_000 }).toEqual([]);
      expect(await readiness(daemon)).toMatchObject({ status: 'ready' });
    }
    expect(await daemon.stop()).toBe(0);
    using file = new DatabaseFile(database);
    expect(file.integrity()).toBe('ok');
    const deliveries = file.deliveries();
    expect(deliveries.filter(({ payload_type }) => payload_type === 'chat.in')).toHaveLength(accepted.length);
    expect(deliveries.filter(({ payload_type }) => payload_type === 'chat.out')).toHaveLength(accepted.length);
    folder.remove();
  });
});
