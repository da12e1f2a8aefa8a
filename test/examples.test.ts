import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { HUB_TEST_SECRET, openHub } from './support/hub.ts';
import { PROJECT } from './support/source-files.ts';
import { temporaryFolder } from './support/spool.ts';

const run = promisify(execFile);

/** What an example prints, run by itself in an empty folder; ids are shown as `msg_…`. */
async function printed(example: string, env: Readonly<Record<string, string>> = {}): Promise<string[]> {
  const folder = temporaryFolder();
  try {
    const { stdout } = await run(join(PROJECT, 'node_modules/.bin/node'), [join(PROJECT, 'examples', example)], {
      cwd: folder.path,
      env: { ...process.env, ...env },
    });
    return stdout
      .trimEnd()
      .replaceAll(/\b(msg|conv)_[0-9A-Z]{26}\b/g, '$1_…')
      .split('\n');
  } finally {
    folder.remove();
  }
}

describe.concurrent('the examples', () => {
  it('[SPL-01] [CNV-02] send and receive', async () => {
    expect(await printed('send-and-receive.ts')).toEqual([
      'Sent msg_… in conversation conv_….',
      'builder has "Task: Auth Module" from architect: Please implement user authentication with JWT tokens.',
      'architect has "Re: Task: Auth Module": Done: PR #456 is ready for review.',
      'The conversation has 2 messages, and the task is acked.',
    ]);
  });

  it('[SPL-06] [SPL-09] a worker', async () => {
    expect(await printed('worker.ts')).toEqual([
      'Summarized msg_…: 3 words.',
      'Summarized msg_…: 4 words.',
      'Attempt 1 of 3: there is nothing to summarize.',
      'Attempt 2 of 3: there is nothing to summarize.',
      'Attempt 3 of 3: there is nothing to summarize.',
      'The client has 2 answers.',
      'msg_… was given up after 3 attempts: the report is empty.',
    ]);
  });

  it('[DSC-03] [DSC-04] agents', async () => {
    expect(await printed('agents.ts')).toEqual([
      'atlas [active] can plan, delegate on workstation.',
      'bolt [active] can code, research on server.',
      'nova [active] can research, summarize on server.',
      'Ask about research: bolt, nova.',
      'Told bolt and nova.',
      'Left for research: nova.',
    ]);
  });

  it('[HUB-02] [HUB-03] an agent on a hub', async () => {
    await using hub = await openHub();
    expect(await printed('hub-agent.ts', { HUB_URL: hub.url, HUB_SECRET: HUB_TEST_SECRET })).toEqual([
      'connected',
      'word-counter can do counting.',
      'A task from admin: how many words are these',
      'It has 5 words.',
      'It failed: there is nothing to count',
      'stopped',
    ]);
  });

  it('[WHA-06] [GRP-03] the demo on WhatsApp', async () => {
    const lines = await printed('whatsapp.ts');
    expect(lines.slice(0, 7)).toEqual([
      'Atlas is on WhatsApp as +15550000001.',
      'Nova is on WhatsApp as +15550000002.',
      'Bolt is on WhatsApp as +15550000003.',
      'Ann → Atlas: Create a research group with Atlas, Nova and Bolt',
      expect.stringMatching(/^Atlas → Ann: Done: the group "Research Team" is ready/),
      'Ann → Atlas: Tell the Research Team: What are your thoughts on quantum error correction?',
      expect.stringMatching(/^Atlas → Ann: I have put that to the group/),
    ]);
    expect(lines[7]).toMatch(/^Atlas → Ann: Nova and Bolt discussed quantum error correction/);
  }, 60_000);
});
