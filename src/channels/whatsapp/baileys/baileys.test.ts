import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { PROJECT } from '../../../../test/support/source-files.ts';
import { baileysLogger } from './baileys-logger.ts';

const PROGRAM = `
  const { loadBaileys } = await import('./src/channels/whatsapp/baileys/baileys.ts');
  await loadBaileys();
  const { default: SessionRecord } = await import('libsignal/src/session_record.js');
  const secret = { indexInfo: { closed: -1 }, rootKey: 'the private key' };
  new SessionRecord().closeSession(secret);
  new SessionRecord().openSession(secret);
  console.info('Closing time is at six');
`;

describe('the library', () => {
  it('[SEC-04] does not show keys on the console, where everybody else is still heard', () => {
    const shown = execFileSync(process.execPath, ['--input-type=module', '-e', PROGRAM], {
      cwd: PROJECT,
      encoding: 'utf8',
    });
    expect(shown).toBe('Closing time is at six\n');
  });

  it('[SEC-04] has nothing of what it logs passed on but the words', () => {
    const logged: unknown[] = [];
    const logger = {
      debug: (fields: object, message: string) => void logged.push([fields, message]),
      info() {},
      warn() {},
      error() {},
    };
    const baileys = baileysLogger(logger, 'atlas');
    baileys.trace({ key: 'secret' }, 'reads secret');
    baileys.debug({ text: 'hello' }, 'got hello');
    baileys.info({ text: 'hello' }, 'got hello');
    baileys.warn({ err: new Error('secret') }, 'failed to do it');
    baileys.error('a message with a number 15550100');
    baileys.child({ class: 'x' }).error({ jid: '15550100' }, 'failed again');
    expect(logged).toEqual([
      [{ account: 'atlas' }, 'Baileys: failed to do it'],
      [{ account: 'atlas' }, 'Baileys: failed again'],
    ]);
  });
});
