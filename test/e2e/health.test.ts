import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { DaemonProcess, freePort } from '../support/daemon-process.ts';
import { ParleyProcess } from '../support/process.ts';
import { temporaryFolder } from '../support/spool.ts';
import { startWhatsAppServer, type WhatsAppServer } from '../support/whatsapp-server/server.ts';

const ANN = '15550001';
const PATIENCE = { timeout: 10_000 };

const healthSchema = z.object({ status: z.string(), accounts: z.array(z.object({ state: z.string() })) });
const readySchema = z.object({ error: z.object({ code: z.string(), message: z.string() }).optional() });
const doctorSchema = z.object({
  healthy: z.boolean(),
  checks: z.array(z.object({ name: z.string(), outcome: z.string(), detail: z.string(), fix: z.string().nullable() })),
});

/** One agent on a WhatsApp of its own: a Parley that runs, and `parley doctor` in the same folder. */
class Place implements AsyncDisposable {
  readonly server: WhatsAppServer;
  readonly #port: number;
  readonly #folder = temporaryFolder();
  #daemon: DaemonProcess | null = null;

  private constructor(server: WhatsAppServer, port: number) {
    this.server = server;
    this.#port = port;
  }

  static async open(): Promise<Place> {
    return new Place(await startWhatsAppServer(), await freePort());
  }

  get #env(): Readonly<Record<string, string>> {
    return {
      PLATFORM: 'whatsapp',
      AGENT_NAME: 'Atlas',
      AGENT_ID: 'atlas',
      AI_PROVIDER: 'demo',
      SECURITY_AGENT_SECRET: 'a secret that nobody else has, for tests',
      HEALTH_PORT: String(this.#port),
      WHATSAPP_WEB_URL: this.server.url,
      WHATSAPP_WEB_ROOT_KEY: this.server.rootKey,
    };
  }

  async link(): Promise<void> {
    await using pairing = new ParleyProcess(['pair', '--json'], { folder: this.#folder.path, env: this.#env });
    const [, qr = ''] = await pairing.printed(/"qr":"([^"]+)"/);
    await this.server.scan(qr, ANN);
    expect((await pairing.ended).code).toBe(0);
  }

  async start(): Promise<void> {
    const options = { folder: this.#folder.path, env: this.#env, port: this.#port };
    this.#daemon = await DaemonProcess.start(options);
  }

  /** What the three addresses say of the account, with the status codes. */
  async told(): Promise<unknown> {
    const [health, ready, metrics] = await Promise.all(['health', 'ready', 'metrics'].map((path) => this.#get(path)));
    const { status, accounts } = healthSchema.parse(JSON.parse(health?.text ?? ''));
    const { error } = readySchema.parse(JSON.parse(ready?.text ?? ''));
    return {
      health: [health?.code, status, ...accounts.map(({ state }) => state)],
      ready: error === undefined ? [ready?.code] : [ready?.code, error.code, error.message],
      connected: /^parley_channel_connected\{channel="whatsapp",account="atlas"\} (\d)$/m.exec(
        metrics?.text ?? '',
      )?.[1],
      withNumber: [health, ready, metrics].some((reply) => reply?.text.includes(ANN)),
    };
  }

  /** What `parley doctor` says of the Parley that runs. */
  async doctor(): Promise<readonly unknown[]> {
    await using process = new ParleyProcess(['doctor', '--json'], { folder: this.#folder.path, env: this.#env });
    const [text] = await process.printed(/^\{[\s\S]*\n?\}$/m);
    const { healthy, checks } = doctorSchema.parse(JSON.parse(text));
    expect([healthy, (await process.ended).code]).toEqual([true, 0]);
    expect(text).not.toContain(ANN);
    return checks.filter(({ name }) => name === 'running' || name === 'account');
  }

  async #get(path: string): Promise<{ code: number; text: string }> {
    const reply = await fetch(`http://127.0.0.1:${this.#port}/${path}`);
    return { code: reply.status, text: await reply.text() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon?.[Symbol.asyncDispose]();
    await this.server.stop();
    this.#folder.remove();
  }
}

const CONNECTED = { health: [200, 'ok', 'open'], ready: [200], connected: '1', withNumber: false };

describe('the health of a Parley with a WhatsApp account', () => {
  it('[OBS-01] [WHA-05] [CLI-02] it is not ready when another program has the device, and says so', async () => {
    await using place = await Place.open();
    await place.link();
    expect(await place.doctor()).toMatchObject([{ outcome: 'ok', detail: expect.stringContaining('not running') }]);
    await place.start();
    await expect.poll(() => place.told(), PATIENCE).toEqual(CONNECTED);
    expect(await place.doctor()).toMatchObject([{ outcome: 'ok' }, { outcome: 'ok' }]);

    place.server.faults.streamError(ANN, 'conflict');
    await expect
      .poll(() => place.told(), PATIENCE)
      .toEqual({
        health: [200, 'degraded', 'stopped'],
        ready: [503, 'CHANNEL_DISCONNECTED', expect.stringContaining('another program has connected as this device')],
        connected: '0',
        withNumber: false,
      });
    expect(await place.doctor()).toMatchObject([
      { outcome: 'ok' },
      {
        outcome: 'warning',
        detail: 'whatsapp account atlas is stopped (another program has connected as this device)',
        fix: expect.stringContaining('parley pair atlas --force'),
      },
    ]);
  });

  it('[OBS-01] [WHA-05] [CLI-02] it is not ready when the phone has removed the device', async () => {
    await using place = await Place.open();
    await place.link();
    await place.start();
    await expect.poll(() => place.told(), PATIENCE).toEqual(CONNECTED);

    place.server.unlink(ANN);
    const unlinked = {
      health: [200, 'degraded', 'linking'],
      ready: [503, 'CHANNEL_DISCONNECTED', expect.stringContaining('atlas waits for a phone')],
      connected: '0',
      withNumber: false,
    };
    await expect.poll(() => place.told(), PATIENCE).toEqual(unlinked);
    expect(await place.doctor()).toMatchObject([
      { outcome: 'ok' },
      { outcome: 'warning', fix: expect.stringMatching(/\/whatsapp .*parley pair atlas$/) },
    ]);
  });
});
