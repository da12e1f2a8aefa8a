import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../../test/support/spool.ts';
import { QrFile, readableCode, svgQr, terminalQr } from './qr-code.ts';

const QR = `https://wa.me/settings/linked_devices#2@${'x'.repeat(90)},${'A'.repeat(44)},${'B'.repeat(44)},${'C'.repeat(44)}`;

function folder(): string {
  const { path, remove } = temporaryFolder();
  onTestFinished(remove);
  return path;
}

describe('a QR code', () => {
  it('[WHA-01] fits on a terminal of 80 × 40 characters', async () => {
    for (const colours of [true, false]) {
      const lines = stripVTControlCharacters(await terminalQr(QR, { colours })).split('\n');
      expect(lines.length).toBeLessThan(40);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
    }
  });

  it('[WHA-01] has no colours where there is no terminal', async () => {
    expect(await terminalQr(QR, { colours: true })).toContain('\u001b[');
    expect(await terminalQr(QR, { colours: false })).toMatch(/^[ ▀▄█\n]+$/);
  });

  it('[WHA-01] is an SVG element that needs no style', async () => {
    expect(await svgQr(QR)).toMatch(/^<svg [^>]*viewBox=[^>]*>(<path [^>]*\/>){2}<\/svg>\n$/);
    expect(await svgQr(QR)).not.toContain('style=');
  });
});

describe('a file with a QR code', () => {
  it('[WHA-01] [SEC-04] is a PNG that its owner alone may read, also where another file was', async () => {
    const path = join(folder(), 'qr.png');
    writeFileSync(path, 'something else', { mode: 0o644 });
    const file = new QrFile(path);
    await file.show(QR);
    expect([...readFileSync(path).subarray(0, 4)]).toEqual([0x89, 0x50, 0x4e, 0x47]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const before = readFileSync(path);
    await file.show(`${QR}2`);
    expect(readFileSync(path).equals(before)).toBe(false);
    expect(readdirSync(join(path, '..'))).toEqual(['qr.png']);
  });

  it('[WHA-01] can be removed, and again', async () => {
    const file = new QrFile(join(folder(), 'qr.png'));
    await file.show(QR);
    file.remove();
    expect(existsSync(file.path)).toBe(false);
    file.remove();
  });

  it('[WHA-01] that cannot be written is an error with a hint', async () => {
    const path = join(folder(), 'taken');
    mkdirSync(join(path, 'not-empty'), { recursive: true });
    await expect(new QrFile(path).show(QR)).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      message: expect.stringContaining(path),
    });
    expect(readdirSync(join(path, '..'))).toEqual(['taken']);
  });

  it('[WHA-01] takes the place of files only', async () => {
    const path = join(folder(), 'device');
    symlinkSync('/dev/null', path);
    await expect(new QrFile(path).show(QR)).rejects.toMatchObject({ code: 'OUTPUT_FAILED' });
    expect(readlinkSync(path)).toBe('/dev/null');
  });
});

describe('a code to type in', () => {
  it('[WHA-01] is shown in two halves', () => {
    expect(readableCode('ABCD1234')).toBe('ABCD-1234');
    expect(readableCode('ABC')).toBe('ABC');
  });
});
