import { resolve } from 'node:path';
import { type PairingEvent, pairAccount } from '../daemon/pairing.ts';
import { type PairingTarget, pairingTarget } from '../daemon/pairing-target.ts';
import { linkingSteps, QrFile, readableCode, terminalQr } from '../daemon/qr-code.ts';
import { INTERRUPTED_EXIT, interruption } from './interrupt.ts';
import type { SpoolOptions } from './options.ts';
import { printLine } from './output.ts';
import { Redraw } from './redraw.ts';

export interface PairOptions extends SpoolOptions {
  /** Where the QR code is put as a file. */
  readonly png?: string;
  readonly code?: boolean;
  readonly phone?: string;
  readonly force?: boolean;
  /** Seconds. */
  readonly timeout?: number;
}

/** `parley pair`: links one account with a phone. Throws what `pairAccount` throws. */
export async function pair(agent: string | undefined, options: PairOptions): Promise<void> {
  const { force = false, timeout, png } = options;
  const target = pairingTarget(agent, options);
  const screen = new PairingScreen(target, png === undefined ? null : new QrFile(resolve(png)), options);
  const signal = interruption();
  try {
    const timeoutMs = timeout === undefined ? null : timeout * 1000;
    const linked = await pairAccount(target, { force, timeoutMs, signal, tell: (event) => screen.show(event) });
    if (!linked) process.exitCode = INTERRUPTED_EXIT;
  } finally {
    screen.close();
    endWithoutTimers();
  }
}

/**
 * Ends the process once what went wrong, if anything, is told: everything of ours is closed, but Baileys leaves timers behind, of up
 * to a minute, for answers that nobody waits for any more.
 */
function endWithoutTimers(): void {
  setImmediate(() => process.exit());
}

/** Shows what happens, to people or to programs. */
class PairingScreen {
  readonly #account: string;
  readonly #file: QrFile | null;
  readonly #options: PairOptions;
  readonly #terminal = new Redraw(process.stdout);
  #isInFile = false;

  constructor({ account }: PairingTarget, file: QrFile | null, options: PairOptions) {
    this.#account = account.id;
    this.#file = file;
    this.#options = options;
  }

  async show(event: PairingEvent): Promise<void> {
    if (event.event === 'qr') await this.#showInFile(event.qr);
    else this.close();
    if (this.#options.json) return printLine(JSON.stringify(event));
    if (event.event === 'qr') return this.#terminal.draw(await this.#invitation(event.qr));
    this.#terminal.end();
    printLine(describe(event, this.#account));
  }

  /** Nobody can link the account by the file any more. */
  close(): void {
    if (this.#isInFile) this.#file?.remove();
    this.#isInFile = false;
  }

  async #showInFile(qr: string): Promise<void> {
    if (this.#file === null) return;
    await this.#file.show(qr);
    this.#isInFile = true;
  }

  async #invitation(qr: string): Promise<string> {
    const code = await terminalQr(qr, { colours: process.stdout.isTTY });
    const lines = [linkingSteps(this.#account, 'qr'), code, 'It changes after a while.'];
    return [...lines, ...(this.#file === null ? [] : [`It is in ${this.#file.path}, too.`])].join('\n');
  }
}

/** For people. */
function describe(event: Exclude<PairingEvent, { event: 'qr' }>, account: string): string {
  switch (event.event) {
    case 'code':
      return `${linkingSteps(account, 'code')}\n${readableCode(event.code)}`;
    case 'linked':
      return event.already
        ? `${account} is linked already, with ${event.phone}. To link it with another phone: parley pair ${account} --force`
        : `${account} is linked, with ${event.phone}. It connects once, to see that it can …`;
    case 'open':
      return 'Done. It answers while parley start runs.';
    case 'closed': {
      const again = event.action === 'stopped' ? '' : ` It is tried again${inSeconds(event.delayMs)}.`;
      return `The connection was closed: ${event.reason}.${again}`;
    }
    case 'forgetting':
      return `Forgetting the link with ${event.phone}. Remove the old device on that phone, too: WhatsApp, Linked devices.`;
  }
}

function inSeconds(ms: number | undefined): string {
  return ms === undefined ? '' : ` in ${Math.ceil(ms / 1000)} s`;
}
