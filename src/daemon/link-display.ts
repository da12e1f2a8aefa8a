import { join } from 'node:path';
import type { AccountState, LinkEvent } from '../channels/whatsapp/baileys/link.ts';
import type { LinkView } from '../channels/whatsapp/link-page.ts';
import { errorText } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { linkingSteps, QrFile, readableCode, svgQr, terminalQr } from './qr-code.ts';

export interface LinkDisplayOptions {
  readonly accounts: readonly { readonly id: string; readonly name: string }[];
  /** Where the QR codes are put as files: `whatsapp-<account>.png`. */
  readonly folder: string;
  /** The address of the page with the codes. Asked for once there is a code. */
  readonly pageUrl: () => string;
  /** Standard error, where somebody may be looking. */
  readonly terminal: Pick<NodeJS.WriteStream, 'write' | 'isTTY'>;
  readonly logger: Logger;
}

/** What is seen of an account. */
type Shown = Pick<LinkView, 'state' | 'qrSvg' | 'code'>;

/** Shows how to link accounts while agents run: on the terminal, in files and on the page. A code is in no log: it lets whoever has it in. */
export class LinkDisplay {
  readonly #options: LinkDisplayOptions;
  readonly #shown = new Map<string, Shown>();
  /** The accounts of which the log has said that they wait for a phone. */
  readonly #announced = new Set<string>();
  #stopped = false;
  #work: Promise<void> = Promise.resolve();

  constructor(options: LinkDisplayOptions) {
    this.#options = options;
  }

  /** For the page. */
  accounts(): LinkView[] {
    const unheardOf: Shown = { state: { kind: 'connecting' }, qrSvg: null, code: null };
    return this.#options.accounts.map(({ id, name }) => ({
      account: id,
      name,
      ...(this.#shown.get(id) ?? unheardOf),
    }));
  }

  /** Takes what a BaileysChannel tells of its accounts. */
  readonly follow = (event: LinkEvent): void => {
    if (!this.#stopped) this.#next(() => this.#show(event));
  };

  /** Resolves when all that was told is shown. */
  async settled(): Promise<void> {
    await this.#work;
  }

  /** Takes away what can be seen. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const { id } of this.#options.accounts) this.#next(async () => this.#withdraw(id, { kind: 'stopped' }));
    await this.#work;
  }

  /** One after the other, so that no code appears after it was taken away. */
  #next(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: unknown) => {
      this.#options.logger.warn({ error: errorText(error) }, 'a code that links a WhatsApp account cannot be shown');
    });
  }

  async #show(event: LinkEvent): Promise<void> {
    const { account } = event;
    switch (event.kind) {
      case 'qr':
        this.#shown.set(account, { state: { kind: 'linking' }, qrSvg: await svgQr(event.qr), code: null });
        this.#invite(event, await terminalQr(event.qr, { colours: true }));
        return await this.#fileOf(account).show(event.qr);
      case 'code':
        this.#shown.set(account, { state: { kind: 'linking' }, qrSvg: null, code: readableCode(event.code) });
        return this.#invite(event, readableCode(event.code));
      case 'linked':
        this.#options.logger.info({ account, phone: event.phone }, 'the WhatsApp account is linked');
        this.#announced.delete(account);
        return this.#withdraw(account, { kind: 'connecting' });
      case 'open':
        return this.#withdraw(account, { kind: 'open' });
      case 'closed':
        return this.#withdraw(account, stateAfter(event));
    }
  }

  #invite({ account, kind }: Extract<LinkEvent, { kind: 'qr' | 'code' }>, code: string): void {
    const { terminal, logger, pageUrl } = this.#options;
    if (terminal.isTTY) {
      terminal.write(`${linkingSteps(account, kind)}\n${code}\n`);
    } else if (!this.#announced.has(account)) {
      this.#announced.add(account);
      logger.info({ account, page: pageUrl() }, 'the WhatsApp account waits for a phone that links it: see the page');
    }
  }

  #withdraw(account: string, state: AccountState): void {
    this.#shown.set(account, { state, qrSvg: null, code: null });
    this.#fileOf(account).remove();
  }

  #fileOf(account: string): QrFile {
    return new QrFile(join(this.#options.folder, `whatsapp-${account}.png`));
  }
}

function stateAfter({ action, reason }: Extract<LinkEvent, { kind: 'closed' }>): AccountState {
  const kind = ({ retry: 'waiting', stopped: 'stopped', 'link-again': 'unlinked' } as const)[action];
  return { kind, reason };
}
