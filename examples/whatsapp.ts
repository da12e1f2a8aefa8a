/*
 * The three agents of the demo on WhatsApp, without a phone or a network: a WhatsApp server on this machine, to which each agent is
 * linked as it would be to a phone, and somebody who writes to one of them.
 * In a project of your own, import from 'parleyd/testing'.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { connectPerson, startWhatsAppServer } from '../test/support/testing.ts';

const NUMBERS = { Atlas: '15550000001', Nova: '15550000002', Bolt: '15550000003' };

const folder = mkdtempSync(join(tmpdir(), 'parley-whatsapp-'));
const server = await startWhatsAppServer();

function parley(...args: string[]) {
  return spawn(process.execPath, [fileURLToPath(new URL('../bin/parley', import.meta.url)), ...args], {
    cwd: folder,
    env: {
      PLATFORM: 'whatsapp',
      WHATSAPP_MODE: 'baileys',
      WHATSAPP_WEB_URL: server.url,
      WHATSAPP_WEB_ROOT_KEY: server.rootKey,
      SECURITY_ALLOWLIST: '+15550000004',
      LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

for (const [name, number] of Object.entries(NUMBERS)) {
  for await (const line of createInterface(parley('pair', name, '--json').stdout)) {
    const { qr } = JSON.parse(line);
    if (qr) await server.scan(qr, number, name);
  }
  console.log(`${name} is on WhatsApp as +${number}.`);
}

const daemon = parley('start', '--port', '0');
const ann = await connectPerson(server, '15550000004', 'Ann');

async function say(text: string): Promise<void> {
  console.log(`Ann → Atlas: ${text}`);
  await ann.say(NUMBERS.Atlas, text);
}

let heard = 0;
async function hear(): Promise<void> {
  const { text } = await ann.waitFor(() => ann.messages[heard], 'gets an answer');
  heard += 1;
  console.log(`Atlas → Ann: ${text}`);
}

await say('Create a research group with Atlas, Nova and Bolt');
await hear();
await say('Tell the Research Team: What are your thoughts on quantum error correction?');
// That they are at it; and what came out of it.
await hear();
await hear();

daemon.kill();
await Promise.all([once(daemon, 'exit'), ann.stop()]);
await server.stop();
rmSync(folder, { recursive: true });
// Baileys leaves timers behind, of up to a minute.
process.exit();
