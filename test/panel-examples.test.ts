import { copyFileSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DaemonProcess } from './support/daemon-process.ts';
import { Phone } from './support/phone.ts';
import { PROJECT } from './support/source-files.ts';
import { temporaryFolder } from './support/spool.ts';

interface Heard {
  readonly speaker: string;
  readonly text: string;
}

/** What the agents of an example answer to what is said to the first of them: as many answers as it should have. */
async function answersOf(example: string, account: string, text: string, count: number): Promise<Heard[]> {
  const folder = temporaryFolder();
  try {
    copyFileSync(join(PROJECT, 'examples/panels', example), join(folder.path, 'parley.json5'));
    await using daemon = await DaemonProcess.start({ folder: folder.path });
    const phone = new Phone(daemon.url);
    await phone.say({ id: 'question', account, text });
    const bubbles = await phone.until((messages) => messages.filter(({ mine }) => !mine).length >= count);
    expect(await daemon.stop()).toBe(0);
    return bubbles.filter(({ mine }) => !mine).map(({ author, text }) => ({ speaker: author.name, text }));
  } finally {
    folder.remove();
  }
}

const speakers = (heard: readonly Heard[]): string[] => heard.map(({ speaker }) => speaker);
/** With the scripted model an agent knows who it is, and that it is scripted. */
const introduces = ({ speaker, text }: Heard): boolean =>
  text.includes(`I am ${speaker}, played by a scripted demo model`);

describe.concurrent('the examples of panels', () => {
  it('are these', () => {
    expect(globSync('*', { cwd: join(PROJECT, 'examples/panels') }).toSorted()).toEqual([
      'customer-support.json5',
      'development-team.json5',
      'international-support.json5',
      'project-management.json5',
    ]);
  });

  it('[BRD-01] [BRD-02] a development team: all answer, at the same time', async () => {
    const heard = await answersOf('development-team.json5', 'code-formatter', 'Who are you?', 4);
    expect(speakers(heard).toSorted()).toEqual(['CodeFormatter', 'DocsChecker', 'SecurityScanner', 'TestCoverage']);
    expect(heard.every(introduces)).toBe(true);
  });

  it('[BRD-01] [BRD-03] international support: all answer, one after the other', async () => {
    const heard = await answersOf('international-support.json5', 'support-en', 'Who are you?', 3);
    expect(speakers(heard)).toEqual(['Agent_EN', 'Agent_DE', 'Agent_ES']);
    expect(heard.every(introduces)).toBe(true);
  });

  it('[BRD-07] customer support: each answers, and then to what the other has said', async () => {
    const heard = await answersOf('customer-support.json5', 'support-agent', 'Which database should I choose?', 4);
    const [first, second] = [heard.slice(0, 2), heard.slice(2)];
    for (const round of [first, second]) expect(speakers(round).toSorted()).toEqual(['QAAgent', 'SupportAgent']);
    expect(second.find(({ speaker }) => speaker === 'QAAgent')?.text).toMatch(/SupportAgent said “/);
  });

  it('[BRD-07] project management: the one with the lowest priority answers last', async () => {
    const heard = await answersOf('project-management.json5', 'task-tracker', 'Who are you?', 4);
    expect(speakers(heard).toSorted()).toEqual(['CalendarBot', 'ReportGenerator', 'TaskTracker', 'TimeLogger']);
    expect(speakers(heard).at(-1)).toBe('ReportGenerator');
  });
});
