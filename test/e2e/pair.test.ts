import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Database } from '../../src/spool/sqlite/database.ts';
import { SqliteWhatsAppSessions } from '../../src/store/whatsapp-session.ts';
import { ParleyProcess } from '../support/process.ts';
import { temporaryFolder } from '../support/spool.ts';
import { startWhatsAppServer, type WhatsAppServer } from '../support/whatsapp-server/server.ts';

const ANN = '15550001';
const BOB = '15550002';

/** A folder with one agent in it, and a WhatsApp of its own. */
class Place implements AsyncDisposable {
  readonly server: WhatsAppServer;
  readonly #url: string;
  readonly #rootKey: string;
  readonly #folder = temporaryFolder();

  private constructor(server: WhatsAppServer, rootKey: string) {
    this.server = server;
    this.#url = server.url;
    this.#rootKey = rootKey;
  }

  /** `rootKey`, default that of the server: what its certificate is checked with. */
  static async open(rootKey?: string): Promise<Place> {
    const server = await startWhatsAppServer();
    return new Place(server, rootKey ?? server.rootKey);
  }

  /** `parley pair …`, in a process of its own. */
  pair(...options: readonly string[]): ParleyProcess {
    const env = {
      PLATFORM: 'whatsapp',
      AGENT_NAME: 'Atlas',
      // Without its key: that is asked for when the agent is started.
      AI_PROVIDER: 'openai',
      WHATSAPP_WEB_URL: this.#url,
      WHATSAPP_WEB_ROOT_KEY: this.#rootKey,
    };
    return new ParleyProcess(['pair', ...options], { folder: this.#folder.path, env });
  }

  /** Links the agent with the phone of a number. */
  async link(number: string): Promise<void> {
    await using pairing = this.pair('--json');
    await this.server.scan(await shownBy(pairing), number);
    expect(await pairing.ended).toEqual({ code: 0, signal: null });
  }

  file(name: string): string {
    return join(this.#folder.path, name);
  }

  /** Whether keys of the account are kept. */
  async isLinked(): Promise<boolean> {
    const db = new Database(this.file('data/coordination.db'));
    const isLinked = new SqliteWhatsAppSessions(db).keys('atlas_001', ['creds']).size > 0;
    await db.close();
    return isLinked;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
    this.#folder.remove();
  }
}

/** The QR code that it shows to programs. */
async function shownBy(pairing: ParleyProcess): Promise<string> {
  const [line] = await pairing.printed(/^\{"event":"qr".*\}$/m);
  return JSON.parse(line).qr;
}

describe('parley pair', () => {
  it('[WHA-01] [CLI-02] links an account by QR code, for good', async () => {
    await using place = await Place.open();
    await using pairing = place.pair('--json');
    const qr = await shownBy(pairing);
    await pairing.printed(/"expiresInMs":60000\}$/m);
    await place.server.scan(qr, ANN);
    await pairing.printed(/^\{"event":"linked","phone":"\+15550001","already":false\}\n\{"event":"open"\}\n$/m);
    expect(await pairing.ended).toEqual({ code: 0, signal: null });
    expect(pairing.errors).toBe('');
    expect(place.server.phone(ANN).devices).toHaveLength(1);
    expect(await place.isLinked()).toBe(true);

    await using again = place.pair();
    await again.printed(/^atlas_001 is linked already, with \+15550001\./);
    expect(await again.ended).toEqual({ code: 0, signal: null });
  });

  it('[WHA-01] [CLI-02] for people it draws the code, and puts it into a file that is theirs alone, and gone afterwards', async () => {
    await using place = await Place.open();
    await using pairing = place.pair('--png', 'qr.png');
    await pairing.printed(
      /^To link atlas_001, on the phone: WhatsApp, Linked devices, Link a device\. Then scan:\n[ ▀▄█\n]{500,}/,
    );
    await pairing.printed(/It is in .*qr\.png, too\.\n/);
    expect([...readFileSync(place.file('qr.png')).subarray(1, 4)]).toEqual([...Buffer.from('PNG')]);
    expect(statSync(place.file('qr.png')).mode & 0o777).toBe(0o600);
    pairing.signal('SIGINT');
    expect(await pairing.ended).toEqual({ code: 130, signal: null });
    expect(existsSync(place.file('qr.png'))).toBe(false);
    expect(await place.isLinked()).toBe(false);
  });

  it('[WHA-01] [CLI-02] links an account by a code that is typed into the phone', async () => {
    await using place = await Place.open();
    await using pairing = place.pair('--phone', `+${ANN}`, '--json');
    const [, code = ''] = await pairing.printed(/^\{"event":"code","code":"([A-Z0-9]{8})"\}$/m);
    await place.server.enterPairingCode(code, ANN);
    expect(await pairing.ended).toEqual({ code: 0, signal: null });
    expect(place.server.phone(ANN).devices).toHaveLength(1);
  });

  it('[WHA-01] [CLI-02] links it with another phone when it has to', async () => {
    await using place = await Place.open();
    await place.link(ANN);
    await using pairing = place.pair('--force', '--json');
    await pairing.printed(/^\{"event":"forgetting","phone":"\+15550001"\}$/m);
    await place.server.scan(await shownBy(pairing), BOB);
    await pairing.printed(/^\{"event":"linked","phone":"\+15550002","already":false\}$/m);
    expect(await pairing.ended).toEqual({ code: 0, signal: null });
  });

  it('[WHA-01] [CLI-02] leaves an account alone that another process has', async () => {
    await using place = await Place.open();
    await using first = place.pair('--json');
    const qr = await shownBy(first);
    await using second = place.pair('--json');
    expect(await second.ended).toEqual({ code: 75, signal: null });
    expect(JSON.parse(second.errors)).toMatchObject({
      error: { code: 'LEASE_LOST', message: 'Another process has the WhatsApp account of atlas_001.' },
    });
    await place.server.scan(qr, ANN);
    expect(await first.ended).toEqual({ code: 0, signal: null });
  });

  it('[WHA-01] [CLI-02] gives up in time, and says what was in the way', async () => {
    await using place = await Place.open();
    await using unused = place.pair('--timeout', '0.5');
    expect(await unused.ended).toEqual({ code: 75, signal: null });
    expect(unused.errors).toMatch(
      /^Error: atlas_001 is not linked: no phone has done it in time\.\nHint: {2}Try again: parley/,
    );
    await place.server.stop();
    await using unreached = place.pair('--timeout', '1');
    await unreached.printed(/^The connection was closed: .*ECONNREFUSED.* It is tried again in \d+ s\.$/m);
    expect(await unreached.ended).toEqual({ code: 75, signal: null });
    expect(unreached.errors).toMatch(/^Error: atlas_001 is not linked: .*ECONNREFUSED/m);
  });

  it.each([
    ['of zeros', '00'.repeat(32)],
    ['at random', randomBytes(32).toString('hex')],
  ])(
    '[SEC-05] [WHA-01] [CLI-02] shows no code of a server that cannot prove what it is (root key %s)',
    async (_, key) => {
      await using place = await Place.open(key);
      await using pairing = place.pair('--json');
      expect(await pairing.ended).toEqual({ code: 75, signal: null });
      const [, reason] = await pairing.printed(
        /^\{"event":"closed","reason":"([^"]*)","code":null,"action":"stopped"\}\n$/,
      );
      expect(reason).toMatch(/^the server could not prove that it is WhatsApp \(.*certificate.*\)$/);
      expect(pairing.errors).toContain(`"message":"atlas_001 is not linked: ${reason}."`);
      expect(await place.isLinked()).toBe(false);
    },
  );

  it('[WHA-01] [CLI-02] says so when the file cannot be written', async () => {
    await using place = await Place.open();
    await using pairing = place.pair('--png', 'missing/qr.png');
    expect(await pairing.ended).toEqual({ code: 74, signal: null });
    expect(pairing.errors).toMatch(/^Error: The QR code cannot be written to .*ENOENT.*\nHint: {2}Name a file/);
  });
});
