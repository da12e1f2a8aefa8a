import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEMO_CONVERSATION, startDaemon } from '../daemon/daemon.ts';
import { prepare } from '../daemon/run.ts';
import { ParleyError } from '../domain/errors.ts';
import { newId } from '../lib/ids.ts';
import { printLine } from './output.ts';
import { Transcript } from './transcript.ts';

interface DemoOptions {
  readonly json?: boolean;
  /** Seconds. */
  readonly timeout: number;
  readonly provider?: string[];
}

/** `parley demo`: the conversation that the page offers, on a database of its own that is thrown away. Throws DEMO_FAILED. */
export async function demo({ json = false, timeout, provider }: DemoOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-demo-'));
  try {
    await converse(folder, json, timeout, provider);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function converse(folder: string, json: boolean, timeout: number, provider: string[] | undefined): Promise<void> {
  // With the scripted model nothing of the surroundings matters, and no key in them is used.
  const { config, logger } = provider
    ? prepare({ port: '0', provider })
    : prepare({ port: '0' }, { env: { LOG_LEVEL: 'warn' }, cwd: folder });
  const transcript = new Transcript(config.agents, (line) =>
    printLine(json ? JSON.stringify(line) : `${line.who} → ${line.to}: ${line.text}\n`),
  );
  const databasePath = join(folder, 'coordination.db');
  const daemon = await startDaemon(
    { ...config, dataDir: folder, databasePath },
    { logger, onOpened: transcript.opened },
  );
  const giveUp = AbortSignal.timeout(timeout * 1000);
  try {
    daemon.spool.on('accepted', ({ message }) => transcript.accepted(message));
    const [host, ...others] = config.agents;
    const { channel } = daemon;
    if (!host || !channel) throw new ParleyError('DEMO_FAILED', 'There is nobody to talk to.');
    const [create, ask] = DEMO_CONVERSATION;
    const say = (text: string): Promise<unknown> =>
      channel.say({ id: newId('demo', Date.now()), account: host.id, text });
    await say(create);
    await transcript.until(() => transcript.isAnswered(), giveUp);
    await say(ask);
    await transcript.until(() => transcript.isDiscussedBy(others.map(({ name }) => name)), giveUp);
  } finally {
    await daemon.stop();
  }
}
