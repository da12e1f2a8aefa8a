import { describe, expect, it } from 'vitest';
import { firstStart } from './first-start.ts';

describe('a newcomer, with no key and no phone', () => {
  it('[RUN-01] follows the suggestions, and reads what the agents have made of them', async () => {
    await using t = await firstStart();
    const { phone } = t;
    for (const name of ['Atlas', 'Nova', 'Bolt']) await phone.chat(name).waitFor();
    expect(await phone.page.getByText('Scripted demo model').textContent()).toContain('no AI provider key is set');

    expect(await phone.suggestion.textContent()).toBe('Create a research group with Atlas, Nova and Bolt');
    await phone.suggestion.click();
    await phone.isRead('Create a research group');
    await phone.isAnswered('the group "Research Team" is ready, with Atlas, Nova and Bolt');

    expect(await phone.suggestion.textContent()).toContain('What are your thoughts on quantum error correction?');
    await phone.suggestion.click();
    await phone.isRead('quantum error correction');
    await phone.isAnswered('Nova and Bolt discussed quantum error correction in "Research Team"');
    expect(await phone.suggestion.count()).toBe(0);

    await expect.poll(() => phone.chat('Research Team').getByTestId('unread').textContent()).toBe('5');
    await phone.openChat('Research Team');
    const said = await phone.said();
    expect(said[0]).toEqual({ speaker: 'Atlas', text: 'What are your thoughts on quantum error correction?' });
    const [first, second] = [said.slice(1, 3), said.slice(3)];
    for (const round of [first, second]) expect(round.map(({ speaker }) => speaker).sort()).toEqual(['Bolt', 'Nova']);
    expect(first.map(({ text }) => text).join()).not.toContain(' said ');
    expect(second.find(({ speaker }) => speaker === 'Nova')?.text).toMatch(/^Bolt said “/);
    expect(second.find(({ speaker }) => speaker === 'Bolt')?.text).toMatch(/^Nova said “/);
    expect(await phone.chat('Research Team').getByTestId('unread').isVisible()).toBe(false);
    phone.expectNoComplaints();
  });

  it('[RUN-01] watches sealed envelopes go from mailbox to mailbox until each is settled', async () => {
    await using t = await firstStart();
    const { phone } = t;
    await phone.haveDemoConversation();
    await expect.poll(() => phone.page.locator('#panel-count').textContent()).toMatch(/^(\d+) of \1 settled$/);
    for (const state of await phone.page.getByTestId('envelope-state').allInnerTexts()) expect(state).toBe('acked');

    const routes = await Promise.all(
      (await phone.envelopes.filter({ hasText: 'Research Team' }).filter({ hasText: 'hop' }).all()).map(
        async (row) => ({
          seal: await row.getAttribute('data-seal'),
          who: (await row.locator('.route b').allInnerTexts()).join(' '),
          intent: await row.locator('.intent').textContent(),
        }),
      ),
    );
    const sealed = routes.filter(({ seal }) => seal === 'sealed').map(({ who, intent }) => `${who}: ${intent}`);
    expect(sealed.sort()).toEqual([
      'Atlas Nova Bolt: group-update: Research Team',
      'Atlas Nova Bolt: group: Research Team',
      'Atlas Nova Bolt: group: Research Team',
      'Bolt Atlas Nova: group-answer: Research Team',
      'Bolt Atlas Nova: group-answer: Research Team',
      'Nova Atlas Bolt: group-answer: Research Team',
      'Nova Atlas Bolt: group-answer: Research Team',
    ]);
    const previews = await phone.page.locator('[data-seal=sealed] .preview').allInnerTexts();
    for (const preview of previews) expect(preview).toMatch(/^[A-Za-z0-9+/=]+$/);
    expect(await phone.envelopes.filter({ hasText: 'chat.in' }).locator('.route b').allInnerTexts()).toEqual([
      ...['You', 'Atlas'],
      ...['You', 'Atlas'],
    ]);
    phone.expectNoComplaints();
  });

  it('[RUN-01] [PRV-04] is told by the scripted model that it does not understand, and uses the commands', async () => {
    await using t = await firstStart();
    const { phone } = t;
    await phone.say('What is the weather in Oslo?');
    await phone.isAnswered('I am a scripted demo model and did not understand that');
    await phone.suggestion.click();
    await phone.isAnswered('the group "Research Team" is ready');
    const answers = [
      ['!agents', 'Bolt (bolt_001) active, demo: engineering, hardware, estimates'],
      ['!groups', 'led by me'],
      ['!status', 'demo scripted-demo: ready'],
      ['!help', '!groups: the groups that I am in'],
      ['!nonsense', 'There is no command !nonsense'],
    ] as const;
    for (const [command, answer] of answers) {
      await phone.say(command);
      await phone.isAnswered(answer);
    }
    phone.expectNoComplaints();
  });

  it('[SEC-05] reads what was written, and markup in it does nothing', async () => {
    await using t = await firstStart();
    const { phone } = t;
    const markup = '<img src="/x" onerror="document.title = 1"><b>bold</b> & <script>document.title = 2</script>';
    await phone.say(markup);
    expect((await phone.said())[0]?.text).toBe(markup);
    expect(await phone.page.title()).toBe('Parley');
    phone.expectNoComplaints();
    // Had the page made an element of it, the policy would have stopped that, and this test would have heard of it.
    const breach = phone.page.evaluate((html) => document.body.insertAdjacentHTML('beforeend', html), markup);
    await expect(breach).rejects.toThrow('TrustedHTML');
    await expect.poll(() => phone.complaints.join()).toContain('security policy: require-trusted-types-for');
  });
});
