import { join } from 'node:path';
import type { AccountState, LinkEvent } from '../channels/whatsapp/baileys/link.ts';
import type { LinkView } from '../channels/whatsapp/link-page.ts';
import { errorText } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { QrFile, svgQr, terminalQr } from './qr-code.ts';

export interface LinkDisplayOptions {
  readonly accounts: readonly { readonly id: string; readonly name: string }[];
  /** Where the files with QR codes are put: `whatsapp-<account>.png`. */
  readonly folder: string;
  /** The address of the page with the codes, once there is one. */
  readonly pageUrl: () => string;
  /** Who may be looking: standard error. */
  readonly terminal: Pick<NodeJS.WriteStream, 'write' | 'isTTY'>;
  readonly logger: Logger;
}

/** One account, as it is shown. */
interface Shown {
  readonly name: string;
  readonly file: QrFile;
  state: AccountState;
  qr: string | null;
  qrSvg: string | null;
  code: string | null;
  /** The log has said that it waits to be linked. */
  announced: boolean;
}

/** Shows how accounts are linked while agents run: on the terminal, in files, and on the page. A code is never in the log. */
export class LinkDisplay {
  readonly #options: LinkDisplayOptions;
  readonly #shown: ReadonlyMap<string, Shown>;
  #work: Promise<void> = Promise.resolve();

  constructor(options: LinkDisplayOptions) {
    this.#options = options;
    this.#shown = new Map(
      options.accounts.map(({ id, name }) => {
        const file = new QrFile(join(options.folder, `whatsapp-${id}.png`));
        return [id, { name, file, state: { kind: 'connecting' }, ...NO_CODE, announced: false }];
      }),
    );
  }

  /** For the page. */
  accounts(): LinkView[] {
    return [...this.#shown].map(([account, { name, state, qrSvg, code }]) => ({ account, name, state, qrSvg, code }));
  }

  /** Takes what a BaileysChannel tells. */
  follow(event: LinkEvent): void {
    const shown = this.#shown.get(event.account);
    if (!shown) return;
    switch (event.kind) {
      case 'qr':
        Object.assign(shown, { state: { kind: 'linking' }, qr: event.qr, code: null });
        this.#then(event.account, () => this.#showQr(event.account, shown, event.qr));
        break;
      case 'code':
        Object.assign(shown, { state: { kind: 'linking' }, code: event.code });
        this.#invite(event.account, shown, codeInvitation(shown.name, event.code));
        break;
      case 'linked':
        this.#options.logger.info({ account: event.account, phone: event.phone }, 'the WhatsApp account is linked');
        this.#withdraw(shown, { kind: 'connecting' });
        shown.announced = false;
        break;
      case 'open':
        this.#withdraw(shown, { kind: 'open' });
        break;
      case 'closed':
        this.#withdraw(shown, stateAfter(event));
        break;
    }
  }

  /** Resolves when all that was told is shown. */
  shown(): Promise<void> {
    return this.#work;
  }

  /** Takes all codes away. */
  async stop(): Promise<void> {
    for (const shown of this.#shown.values()) this.#withdraw(shown, { kind: 'stopped' });
    await this.#work;
  }
}
