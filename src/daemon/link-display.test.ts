import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../../test/support/spool.ts';
import type { LinkEvent, LinkNews } from '../channels/whatsapp/baileys/link.ts';
import type { Logger } from '../lib/logger.ts';
import { LinkDisplay } from './link-display.ts';

const QR = 'https://wa.me/settings/linked_devices#2@secret-of-a-minute';

class Screen {
  readonly display: LinkDisplay;
  readonly logged: { level: string; fields: object; message: string }[] = [];
  written = '';
  readonly folder: string;

  constructor({ isTTY }: { isTTY: boolean }, folder?: string) {
    const temporary = temporaryFolder();
    onTestFinished(temporary.remove);
    this.folder = folder ?? temporary.path;
    const log = (level: string) => (fields: object, message: string) => {
      this.logged.push({ level, fields, message });
    };
    const logger: Logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
    const terminal = {
      isTTY,
      write: (text: string | Uint8Array) => {
        this.written += String(text);
        return true;
      },
    };
    const accounts = ['atlas', 'nova'].map((id) => ({ id, name: id.toUpperCase() }));
    const pageUrl = () => 'http://localhost:9090/whatsapp';
    this.display = new LinkDisplay({ accounts, folder: this.folder, pageUrl, terminal, logger });
  }

  get file(): string {
    return join(this.folder, 'whatsapp-atlas.png');
  }

  /** What atlas is told, one after the other, all of it shown. */
  async told(...news: readonly LinkNews[]): Promise<void> {
    for (const each of news) this.display.follow({ account: 'atlas', ...each } satisfies LinkEvent);
    await this.display.settled();
  }

  get atlas() {
    return this.display.accounts()[0];
  }
}

const qr = (text = QR): LinkNews => ({ kind: 'qr', qr: text, expiresInMs: 60_000 });
const closed = (action: 'retry' | 'stopped' | 'link-again'): LinkNews => ({
  kind: 'closed',
  reason: 'why',
  code: null,
  action,
});

describe('the display of links', () => {
  it('[WHA-01] has all accounts from the start', () => {
    const nothing = { state: { kind: 'connecting' }, qrSvg: null, code: null };
    expect(new Screen({ isTTY: false }).display.accounts()).toEqual([
      { account: 'atlas', name: 'ATLAS', ...nothing },
      { account: 'nova', name: 'NOVA', ...nothing },
    ]);
  });

  it('[WHA-01] shows each QR code on a terminal, in a file and for the page', async () => {
    const screen = new Screen({ isTTY: true });
    await screen.told(qr());
    expect(screen.written).toMatch(/^To link atlas, on the phone: .*Then scan:\n.*\[[\d;]+m.*[▀▄█]/);
    expect(screen.atlas).toMatchObject({ state: { kind: 'linking' }, qrSvg: expect.stringMatching(/^<svg /) });
    expect(statSync(screen.file).mode & 0o777).toBe(0o600);
    const first = screen.atlas?.qrSvg;
    await screen.told(qr(`${QR}-2`));
    expect(screen.written.match(/Then scan/g)).toHaveLength(2);
    expect(screen.atlas?.qrSvg).not.toBe(first);
  });

  it('[WHA-01] shows a code to type in', async () => {
    const screen = new Screen({ isTTY: true });
    await screen.told({ kind: 'code', code: 'ABCD1234' });
    expect(screen.written).toMatch(/Then type in:\nABCD-1234\n$/);
    expect(screen.atlas).toMatchObject({ state: { kind: 'linking' }, qrSvg: null, code: 'ABCD-1234' });
  });

  it('[WHA-01] [OBS-01] without a terminal, the log says once where the codes are, and has none of them', async () => {
    const screen = new Screen({ isTTY: false });
    await screen.told(qr(), qr(`${QR}-2`), closed('retry'), qr(), { kind: 'code', code: 'ABCD1234' });
    expect(screen.written).toBe('');
    expect(screen.logged).toEqual([
      {
        level: 'info',
        fields: { account: 'atlas', page: 'http://localhost:9090/whatsapp' },
        message: expect.stringContaining('waits for a phone'),
      },
    ]);
    await screen.told({ kind: 'linked', phone: '+15550101' }, closed('link-again'), qr());
    expect(screen.logged.map(({ message }) => message)).toEqual([
      expect.stringContaining('waits'),
      expect.stringContaining('is linked'),
      expect.stringContaining('waits'),
    ]);
    expect(JSON.stringify(screen.logged)).not.toMatch(/secret-of-a-minute|ABCD/);
  });

  it.each<[string, LinkNews, object]>([
    ['the account is linked', { kind: 'linked', phone: '+15550101' }, { kind: 'connecting' }],
    ['it is connected', { kind: 'open' }, { kind: 'open' }],
    ['the connection breaks', closed('retry'), { kind: 'waiting', reason: 'why' }],
    ['it is given up', closed('stopped'), { kind: 'stopped', reason: 'why' }],
    ['the phone removes it', closed('link-again'), { kind: 'unlinked', reason: 'why' }],
  ])('[WHA-01] takes the codes away when %s', async (_what, news, state) => {
    const screen = new Screen({ isTTY: false });
    await screen.told(qr());
    expect(existsSync(screen.file)).toBe(true);
    // At once after another code, which is drawn while this comes.
    await screen.told(qr(`${QR}-2`), news);
    expect(screen.atlas).toMatchObject({ state, qrSvg: null, code: null });
    expect(existsSync(screen.file)).toBe(false);
  });

  it('[WHA-01] takes them away when Parley stops, and shows no more', async () => {
    const screen = new Screen({ isTTY: false });
    screen.display.follow({ account: 'atlas', ...qr() } as LinkEvent);
    await screen.display.stop();
    await screen.told(qr());
    expect(screen.display.accounts().map(({ state }) => state.kind)).toEqual(['stopped', 'stopped']);
    expect(existsSync(screen.file)).toBe(false);
  });

  it('[WHA-01] a file that cannot be written does not keep the code from the page, and is told in the log', async () => {
    const screen = new Screen({ isTTY: false }, '/nowhere');
    await screen.told(qr());
    expect(screen.atlas?.qrSvg).toMatch(/^<svg /);
    expect(screen.logged).toContainEqual(
      expect.objectContaining({ level: 'warn', fields: { error: expect.stringContaining('/nowhere') } }),
    );
  });
});
