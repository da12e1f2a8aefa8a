import { describe, expect, it } from 'vitest';
import { DaemonProcess } from '../support/daemon-process.ts';
import { firstStart } from './first-start.ts';
import { PhonePage } from './phone-page.ts';
import { SlowModel } from './slow-model.ts';

const CHATS = ['Atlas', 'Research Team'];

describe('the page', () => {
  it('[RUN-01] shows the same after a reload, and in a second tab while things happen', async () => {
    await using t = await firstStart();
    const { phone } = t;
    const second = await PhonePage.open(t.window, t.parley.url);
    await phone.haveDemoConversation();
    const before = await everythingSaid(phone);
    expect(before.map(({ length }) => length)).toEqual([5, 5]);
    expect(await everythingSaid(second)).toEqual(before);

    await phone.page.reload();
    await phone.isLive();
    expect(await everythingSaid(phone)).toEqual(before);
    expect(await phone.envelopes.allInnerTexts()).toEqual(await second.envelopes.allInnerTexts());
    phone.expectNoComplaints();
    second.expectNoComplaints();
  });

  it('[RUN-01] [RUN-04] finds Parley again after a kill -9 as soon as a question was accepted, which is then discussed', async () => {
    await using t = await firstStart();
    const { phone, parley } = t;
    await phone.say('Create a research group with Atlas, Nova and Bolt');
    await phone.isAnswered('the group "Research Team" is ready');
    phone.expectNoComplaints();
    await phone.page.route('**/api/messages', async (route) => {
      const response = await route.fetch();
      await parley.kill();
      await route.fulfill({ response });
    });
    await phone.suggestion.click();
    await phone.page.getByRole('status').filter({ hasText: 'reconnecting…' }).waitFor();

    await using _restarted = await DaemonProcess.start({ folder: t.folder, port: parley.port });
    await phone.isLive();
    await phone.isRead('quantum error correction');
    await phone.isAnswered('Nova and Bolt discussed quantum error correction');
    const [atlas = [], team = []] = await everythingSaid(phone);
    expect(atlas.map(({ speaker }) => speaker)).toEqual(['You', 'Atlas', 'You', 'Atlas', 'Atlas']);
    expect(team.map(({ speaker }) => speaker).sort()).toEqual(['Atlas', 'Bolt', 'Bolt', 'Nova', 'Nova']);
    // It complains of nothing but that nobody was there.
    expect(phone.complaints.filter((complaint) => !complaint.includes('net::ERR_'))).toEqual([]);
  });

  it('[RUN-01] [RUN-04] shows how far a message has come, also when a kill -9 cuts the thinking short', async () => {
    await using model = await SlowModel.start();
    await using t = await firstStart({}, model.env);
    const { phone } = t;
    expect(await phone.page.getByTestId('scripted-badge').isVisible()).toBe(false);
    await phone.composer.fill('Are you there?');
    await phone.composer.press('Enter');
    const isThinking = async (): Promise<void> => {
      await phone.mine('Are you there?').getByRole('img', { name: 'Delivered' }).waitFor();
      await phone.page.getByText('Atlas is typing').waitFor();
      await phone.envelopes.filter({ hasText: 'leased' }).waitFor();
    };
    await isThinking();
    await t.parley.kill();
    await using _restarted = await DaemonProcess.start({ folder: t.folder, port: t.parley.port, env: model.env });
    await phone.isLive();
    await isThinking();
    model.answer('I am.');
    await phone.isRead('Are you there?');
    await phone.isAnswered('I am.');
    expect((await phone.said()).map(({ text }) => text)).toEqual(['Are you there?', 'I am.']);
  });

  it('[RUN-01] [RUN-04] keeps what was written while Parley was away, and sends it once', async () => {
    await using t = await firstStart();
    const { phone } = t;
    await t.parley.kill();
    await phone.composer.fill('Who is there?');
    await phone.composer.press('Enter');
    await phone.page.getByRole('alert').filter({ hasText: 'The message is still here' }).waitFor();
    expect(await phone.composer.inputValue()).toBe('Who is there?');

    await using _restarted = await DaemonProcess.start({ folder: t.folder, port: t.parley.port });
    await phone.isLive();
    await phone.composer.press('Enter');
    await phone.isAnswered('These are here');
    expect((await phone.said()).map(({ speaker }) => speaker)).toEqual(['You', 'Atlas']);
    expect(await phone.composer.inputValue()).toBe('');
    expect(await phone.page.getByRole('alert').count()).toBe(0);
  });
});

async function everythingSaid(phone: PhonePage): Promise<readonly (readonly { speaker: string; text: string }[])[]> {
  // Chromium lets a tab in the background wait.
  await phone.page.bringToFront();
  const said = [];
  for (const chat of CHATS) {
    await phone.openChat(chat);
    said.push(await phone.said());
  }
  await phone.openChat('Atlas');
  return said;
}
