import * as baileys from 'baileys';
import { describe, expect, it } from 'vitest';
import { openTestSpool, type SpoolFixture } from '../../../../test/support/spool.ts';
import { silentLogger } from '../../../lib/logger.ts';
import { SqliteWhatsAppSessions } from '../../../store/whatsapp-session.ts';
import { baileysLogger } from './baileys-logger.ts';
import { SessionKeys } from './session-keys.ts';

const ONE = Buffer.from('one');
const TWO = Buffer.from('two');

function open(t: SpoolFixture): { keys: SessionKeys; sessions: SqliteWhatsAppSessions } {
  const sessions = new SqliteWhatsAppSessions(t.db);
  return { keys: new SessionKeys(baileys, sessions, 'atlas'), sessions };
}
const session = async (keys: Pick<SessionKeys, 'get'>): Promise<unknown> => (await keys.get('session', ['1.0']))['1.0'];
const put = (keys: Pick<SessionKeys, 'set'>, value: Buffer | null): Promise<void> =>
  keys.set({ session: { '1.0': value } });

describe('the keys of a device', () => {
  it('[WHA-01] come back as they were written', async () => {
    await using t = openTestSpool();
    const { keys } = open(t);
    const creds = baileys.initAuthCreds();
    expect(keys.creds()).toBeNull();
    await keys.saveCreds(creds);
    await keys.direct.set({
      'pre-key': { 7: creds.noiseKey },
      'app-state-sync-key': { a: { keyData: ONE } },
      'lid-mapping': { 15550100: '900100' },
    });
    const again = open(t).keys;
    expect(again.creds()).toEqual(creds);
    expect(await again.direct.get('pre-key', ['7', '8'])).toEqual({ 7: creds.noiseKey });
    expect(Buffer.from((await again.direct.get('app-state-sync-key', ['a']))['a']?.keyData ?? [])).toEqual(ONE);
    expect(await again.get('lid-mapping', ['15550100'])).toEqual({ 15550100: '900100' });
  });

  it('[WHA-01] what links the device is there before the next connection looks for it', async () => {
    await using t = openTestSpool();
    const { keys } = open(t);
    const creds = baileys.initAuthCreds();
    const saving = keys.saveCreds(creds);
    expect(keys.creds()).toBeNull();
    await keys.saved();
    expect(keys.creds()).toEqual(creds);
    await saving;
  });

  it('[WHA-03] what is held is seen inside, and by nobody else until it is committed', async () => {
    await using t = openTestSpool();
    const { keys, sessions } = open(t);
    await put(keys, ONE);
    await keys.holding(async (writes) => {
      await put(keys, TWO);
      expect([await session(keys), await session(open(t).keys)]).toEqual([TWO, ONE]);
      await sessions.commit([sessions.putKeys('atlas', writes())]);
    });
    expect(await session(open(t).keys)).toEqual(TWO);
  });

  it('[WHA-03] what is held is gone when the work fails, or does not commit it', async () => {
    await using t = openTestSpool();
    const { keys } = open(t);
    await put(keys, ONE);
    const failing = keys.holding(async () => {
      await put(keys, TWO);
      throw new Error('no space');
    });
    await expect(failing).rejects.toThrow('no space');
    expect(await session(keys)).toEqual(ONE);
    await keys.holding(async () => await put(keys, null));
    expect(await session(keys)).toEqual(ONE);
  });

  it('[WHA-03] an attempt that fails takes back its own writes alone', async () => {
    await using t = openTestSpool();
    const { keys } = open(t);
    await keys.holding(async (writes) => {
      await put(keys, ONE);
      const failing = keys.attempt(async () => {
        await put(keys, TWO);
        throw new Error('cannot be read');
      });
      await expect(failing).rejects.toThrow('cannot be read');
      expect([await session(keys), writes().size]).toEqual([ONE, 1]);
    });
  });

  it('[WHA-03] a message that is sent sees the step of one that is being received, and undoes nothing', async () => {
    await using t = openTestSpool();
    const { keys, sessions } = open(t);
    const receiving = Promise.withResolvers<void>();
    const received = keys.holding(async (writes) => {
      await put(keys, ONE);
      await receiving.promise;
      await sessions.commit([sessions.putKeys('atlas', writes())]);
    });
    const sent = keys.transaction(async () => {
      const before = await session(keys);
      await put(keys, TWO);
      return before;
    }, 'another name for the same conversation');
    receiving.resolve();
    await received;
    expect(await sent).toEqual(ONE);
    expect(await session(keys)).toEqual(TWO);
  });

  it('[WHA-03] who holds the conversations may wait for a mapping that somebody else is writing', async () => {
    await using t = openTestSpool();
    const { keys } = open(t);
    const asked = Promise.withResolvers<void>();
    const mapped = asked.promise.then(() =>
      keys.transaction(() => keys.set({ 'lid-mapping': { 1: '2' } }), 'lid-mapping'),
    );
    await keys.transaction(async () => {
      asked.resolve();
      await mapped;
    }, 'a conversation');
    expect(await keys.get('lid-mapping', ['1'])).toEqual({ 1: '2' });
  });

  it('[WHA-05] a message in a group that was overtaken by others can still be read', async () => {
    await using t = openTestSpool();
    const { makeSignalRepository } = baileys.DEFAULT_CONNECTION_CONFIG;
    const device = (account: string) => {
      const keys = new SessionKeys(baileys, new SqliteWhatsAppSessions(t.db), account);
      return makeSignalRepository({ creds: baileys.initAuthCreds(), keys }, baileysLogger(silentLogger, account));
    };
    const [ann, atlas] = [device('ann'), device('atlas')];
    const group = '1203630@g.us';
    const authorJid = '900100:1@lid';
    const say = (text: string) => ann.encryptGroupMessage({ group, meId: authorJid, data: Buffer.from(text) });
    const first = await say('one');
    const key = { groupId: group, axolotlSenderKeyDistributionMessage: first.senderKeyDistributionMessage };
    await atlas.processSenderKeyDistributionMessage({ authorJid, item: key });
    const [second, third] = [await say('two'), await say('three')];
    const read = async ({ ciphertext }: typeof first): Promise<string> =>
      Buffer.from(await atlas.decryptGroupMessage({ group, authorJid, msg: ciphertext })).toString();
    expect([await read(first), await read(third), await read(second)]).toEqual(['one', 'three', 'two']);
  });

  it('[WHA-03] what goes on after its transaction is over is on its own', async () => {
    await using t = openTestSpool();
    const { keys } = open(t);
    const over = Promise.withResolvers<void>();
    const straggler = Promise.withResolvers<void>();
    await keys.transaction(async () => {
      over.promise.then(() => put(keys, ONE)).then(straggler.resolve, straggler.reject);
    }, 'a conversation');
    over.resolve();
    await straggler.promise;
    expect(await session(open(t).keys)).toEqual(ONE);
  });
});
