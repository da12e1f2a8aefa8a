import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sleep, systemClock } from '../../src/lib/clock.ts';
import { FAULT_SCALE, FAULT_SEED } from '../support/fault-scale.ts';
import { seededRandom, wholeNumber } from '../support/random.ts';
import { temporaryFolder } from '../support/spool.ts';
import { EchoProcess } from '../support/whatsapp-echo-process.ts';
import { connectPerson, type WhatsAppPerson } from '../support/whatsapp-person.ts';
import { WhatsAppServer } from '../support/whatsapp-server/server.ts';

const NUMBER = '15550001';
const ANN = '15550100';

/** The words of all echoes that a person heard, and how many messages it took: a copy of a message has the id of the message. */
function echoes(person: WhatsAppPerson): { readonly texts: string[]; readonly ids: number } {
  const byId = new Map(person.messages.map(({ id, text }) => [id, text]));
  return { texts: [...byId.values()].sort(), ids: byId.size };
}

/** As long as one more comes in time, it goes on. */
async function heardAll(person: WhatsAppPerson, count: number): Promise<void> {
  for (let heard = 0; heard < count; heard = echoes(person).ids) {
    await person.waitFor(() => echoes(person).ids > heard, `hears more than ${heard} of ${count} echoes`);
  }
}

/** What is said to a number before any device is linked to it, no device will ever get. */
async function link(server: WhatsAppServer, database: string): Promise<void> {
  await using echo = new EchoProcess(server, NUMBER, { database, dieAt: 'never' });
  await echo.opened;
}

describe('a process that runs a WhatsApp account and is killed', () => {
  it.each(['before-commit', 'after-commit'] as const)(
    '[WHA-03] loses nothing of 20 messages that wait for it when it dies at each in turn (%s)',
    async (dieAt) => {
      const folder = temporaryFolder();
      const database = join(folder.path, 'coordination.db');
      await using server = await WhatsAppServer.start();
      await using ann = await connectPerson(server, ANN, 'Ann');
      await link(server, database);
      await ann.say(NUMBER, 'before');
      const texts = Array.from({ length: 20 }, (_, index) => `message ${index}`);
      for (const text of texts) await ann.say(NUMBER, text);
      for (let death = 0; death < 3; death++) {
        await using echo = new EchoProcess(server, NUMBER, { database, dieAt });
        await echo.ended;
      }
      await using _echo = new EchoProcess(server, NUMBER, { database, dieAt: 'never' });
      await heardAll(ann, 21);
      expect(echoes(ann)).toEqual({ texts: ['echo before', ...texts.map((text) => `echo ${text}`)].sort(), ids: 21 });
      expect(server.sent().filter(({ resends }) => resends > 0)).toEqual([]);
      folder.remove();
    },
  );

  it(
    `[WHA-03] [WHA-04] killed at any moment, takes and answers each message once (seed ${FAULT_SEED})`,
    async () => {
      const random = seededRandom(FAULT_SEED);
      const folder = temporaryFolder();
      const database = join(folder.path, 'coordination.db');
      await using server = await WhatsAppServer.start();
      await using ann = await connectPerson(server, ANN, 'Ann');
      const group = server.createGroup('Team', [ANN, NUMBER]);
      await link(server, database);
      const said: string[] = [];
      const talking = new AbortController();
      const talk = (async () => {
        while (!talking.signal.aborted) {
          const text = `message ${said.length}`;
          said.push(text);
          await ann.say(random() < 0.3 ? group.id : NUMBER, text);
          await sleep(systemClock, wholeNumber(random, 0, 30), talking.signal);
        }
      })();
      for (let kill = 0; kill < FAULT_SCALE.whatsAppKills; kill++) {
        await using echo = new EchoProcess(server, NUMBER, { database, dieAt: 'never' });
        await echo.opened;
        await sleep(systemClock, wholeNumber(random, 0, 400));
      }
      talking.abort();
      await talk;
      await using _echo = new EchoProcess(server, NUMBER, { database, dieAt: 'never' });
      await heardAll(ann, said.length);
      expect(echoes(ann)).toEqual({ texts: said.map((text) => `echo ${text}`).sort(), ids: said.length });
      expect(server.sent().filter(({ resends }) => resends > 0)).toEqual([]);
      folder.remove();
    },
    60_000 + FAULT_SCALE.whatsAppKills * 3_000,
  );
});
