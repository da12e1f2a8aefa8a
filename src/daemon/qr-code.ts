import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { toBuffer, toString as toText } from 'qrcode';
import { ParleyError } from '../domain/errors.ts';
import { errorText } from '../lib/errors.ts';

/** On a screen nothing is scratched or torn off: the least redundancy gives the largest squares. */
const ON_SCREEN = { errorCorrectionLevel: 'low' } as const;

/** Black on white for a terminal, with colours; or in characters alone, for what is no terminal. */
export function terminalQr(qr: string, { colours }: { colours: boolean }): Promise<string> {
  return toText(qr, colours ? { ...ON_SCREEN, type: 'terminal', small: true } : { ...ON_SCREEN, type: 'utf8' });
}

export function svgQr(qr: string): Promise<string> {
  return toText(qr, { ...ON_SCREEN, type: 'svg' });
}

/** A file with a QR code, as PNG. Only its owner may read it: whoever scans the code has a device on the account. */
export class QrFile {
  readonly path: string;
  #wanted: string | null = null;

  constructor(path: string) {
    this.path = path;
  }

  /** Puts this code in the place of the one before; whoever looks at the file sees one or the other. Rejects with OUTPUT_FAILED. */
  async show(qr: string): Promise<void> {
    this.#wanted = qr;
    const png = await toBuffer(qr, { ...ON_SCREEN, type: 'png', scale: 8 });
    if (this.#wanted === qr) this.#write(png);
  }

  /** Also what a process that was killed has left there. */
  remove(): void {
    this.#wanted = null;
    rmSync(this.path, { force: true });
  }

  #write(png: Uint8Array): void {
    const unfinished = `${this.path}.new`;
    try {
      // The mode counts for a new file only.
      rmSync(unfinished, { force: true });
      writeFileSync(unfinished, png, { mode: 0o600, flag: 'wx' });
      renameSync(unfinished, this.path);
    } catch (cause) {
      const message = `The QR code cannot be written to ${this.path}: ${errorText(cause)}`;
      throw new ParleyError('OUTPUT_FAILED', message, { hint: 'Name a file in a folder that is there.', cause });
    }
  }
}
