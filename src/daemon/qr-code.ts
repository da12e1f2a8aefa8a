import { lstatSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { toBuffer, toString as toText } from 'qrcode';
import { ParleyError } from '../domain/errors.ts';
import { errorText } from '../lib/errors.ts';

/** On a screen nothing is scratched or torn off: the least redundancy gives the largest squares. */
const ON_SCREEN = { errorCorrectionLevel: 'low' } as const;

/** What somebody has to do on the phone, up to the code that follows. `by`: as in LinkEvent. */
export function linkingSteps(account: string, by: 'qr' | 'code'): string {
  const steps = `To link ${account}, on the phone: WhatsApp, Linked devices, Link a device`;
  return by === 'qr' ? `${steps}. Then scan:` : `${steps}, Link with phone number instead. Then type in:`;
}

/** The eight characters as people read them: ABCD-EFGH. */
export function readableCode(code: string): string {
  return code.replace(/^(.{4})(.{4})$/, '$1-$2');
}

/** Black on white for a terminal, with colours; or in characters alone, for what is no terminal. */
export function terminalQr(qr: string, { colours }: { colours: boolean }): Promise<string> {
  return toText(qr, colours ? { ...ON_SCREEN, type: 'terminal', small: true } : { ...ON_SCREEN, type: 'utf8' });
}

/** The QR code as an SVG element. */
export function svgQr(qr: string): Promise<string> {
  return toText(qr, { ...ON_SCREEN, type: 'svg' });
}

/** A file with a QR code, as PNG. Only its owner may read it: whoever scans the code has a device on the account. */
export class QrFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Puts this code in the place of the one before; whoever looks at the file sees one or the other. Rejects with OUTPUT_FAILED. */
  async show(qr: string): Promise<void> {
    this.#write(await toBuffer(qr, { ...ON_SCREEN, type: 'png', scale: 8 }));
  }

  /** Also what a process that was killed has left there. */
  remove(): void {
    rmSync(this.path, { force: true });
  }

  #write(png: Uint8Array): void {
    const unfinished = `${this.path}.new`;
    try {
      // A device such as /dev/null would be a file from then on, and then be gone, for everybody on the machine.
      if (lstatSync(this.path, { throwIfNoEntry: false })?.isFile() === false)
        throw new Error('what is there is no file');
      // The mode counts for a new file only.
      rmSync(unfinished, { force: true });
      writeFileSync(unfinished, png, { mode: 0o600, flag: 'wx' });
      renameSync(unfinished, this.path);
    } catch (cause) {
      rmSync(unfinished, { force: true });
      const message = `The QR code cannot be written to ${this.path}: ${errorText(cause)}`;
      throw new ParleyError('OUTPUT_FAILED', message, { hint: 'Name a file in a folder that is there.', cause });
    }
  }
}
