import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addressOf, freePort, launchDaemon } from '../support/daemon-process.ts';
import { FAULT_SCALE, FAULT_SEED } from '../support/fault-scale.ts';
import { Phone } from '../support/phone.ts';
import { seededRandom } from '../support/random.ts';
import { temporaryFolder } from '../support/spool.ts';
import { unsettledIn } from './database-file.ts';
import { DemoConversation, expectWholeConversation } from './demo-conversation.ts';
import { expectExactlyOnce } from './expect-exactly-once.ts';
import { type Doing, drawMoment, type Moment } from './interrupter.ts';
import { talkUntil } from './interruption.ts';

/** One conversation, however many daemons it takes; then everything is checked. Returns what each daemon did when it was killed. */
async function converse(nextMoment: () => Moment): Promise<Doing[]> {
  const folder = temporaryFolder();
  const port = await freePort();
  const database = join(folder.path, 'data', 'coordination.db');
  const conversation = new DemoConversation();
  const kills: Doing[] = [];
  for (;;) {
    await using daemon = launchDaemon({ folder: folder.path, port });
    const doing = await talkUntil(nextMoment(), 'SIGKILL', daemon, conversation);
    if (doing !== null) {
      // Nothing else may have ended it.
      expect(await daemon.ended, daemon.errors).toEqual({ code: null, signal: 'SIGKILL' });
      kills.push(doing);
      continue;
    }
    const phone = new Phone(await addressOf(daemon));
    await expect.poll(() => unsettledIn(database), { timeout: 20_000 }).toEqual([]);
    expectWholeConversation((await phone.state()).messages);
    daemon.signal('SIGTERM');
    expect(await daemon.ended, daemon.errors).toEqual({ code: 0, signal: null });
    expectExactlyOnce(database);
    // Only now: after a failure there is something to look at.
    folder.remove();
    return kills;
  }
}

const count = (kills: readonly Doing[], doing: Doing): number => kills.filter((one) => one === doing).length;

describe('a daemon that is killed', () => {
  it(`[RUN-04] [SPL-06] [TRC-01] the demo's conversation survives ${FAULT_SCALE.kills} × kill -9: each thing is said once`, {
    timeout: FAULT_SCALE.kills * 8_000,
  }, async () => {
    const random = seededRandom(FAULT_SEED);
    console.log(`PARLEY_FAULTS_SEED=${FAULT_SEED}`);
    const kills: Doing[] = [];
    let conversations = 0;
    while (kills.length < FAULT_SCALE.kills) {
      kills.push(...(await converse(() => drawMoment(random))));
      conversations += 1;
    }
    const starting = count(kills, 'starting');
    const working = count(kills, 'working');
    console.log(`${kills.length} kills in ${conversations} conversations: ${starting} starting, ${working} working`);
    // Otherwise it has not tested what it says.
    expect(starting).toBeGreaterThan(0);
    expect(working).toBeGreaterThan(kills.length / 5);
  });
});
