import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DaemonProcess } from '../support/daemon-process.ts';
import { Phone } from '../support/phone.ts';
import { temporaryFolder } from '../support/spool.ts';
import { DemoConversation, expectWholeConversation } from './demo-conversation.ts';

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

describe('a daemon without any configuration', () => {
  it('[OBS-01] says that it is alive and that it takes messages, until it is gone', async () => {
    await using daemon = await DaemonProcess.start({ folder: folder.path });
    const health = await fetch(new URL('/health', daemon.url));
    expect(health.status).toBe(200);
    expect(await health.json()).toEqual({ status: 'ok', agents: 3, uptime: expect.any(Number), accounts: [] });
    const ready = await fetch(new URL('/ready', daemon.url));
    expect(ready.status).toBe(200);
    expect(await ready.json()).toEqual({ status: 'ready', agents: ['Atlas', 'Nova', 'Bolt'] });
    expect(await daemon.stop()).toBe(0);
    await expect(fetch(new URL('/health', daemon.url))).rejects.toThrow();
  });

  it('[RUN-01] serves a page, and has the conversation that the page offers', async () => {
    await using daemon = await DaemonProcess.start({ folder: folder.path });
    const page = await fetch(daemon.url);
    expect(page.headers.get('content-type')).toContain('text/html');
    const phone = new Phone(daemon.url);
    await new DemoConversation().goOn(phone);
    await phone.until((messages) => messages.every(({ receipt }) => receipt === null || receipt === 'read'));
    expectWholeConversation((await phone.state()).messages);
  });
});
