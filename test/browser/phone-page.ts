import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Locator,
  type Page,
} from 'playwright-core';
import { expect } from 'vitest';

/** Nothing that a browser does by itself on the network, and no sandbox: it may run as root in a container. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

/** Long enough for a slow machine; only what fails waits as long. */
const PATIENCE_MS = 15_000;

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: '/usr/bin/chromium', args: ARGUMENTS });

/** A browser window of its own, with a memory of its own. Its pages report what breaks the page's security policy. */
export async function openWindow(browser: Browser, options: BrowserContextOptions = {}): Promise<BrowserContext> {
  const window = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', ...options });
  window.setDefaultTimeout(PATIENCE_MS);
  await window.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
      console.error(`security policy: ${violatedDirective} ${blockedURI}`);
    });
  });
  return window;
}

/** One thing said in the chat that is open. */
export interface Said {
  readonly speaker: string;
  readonly text: string;
}

/** The page as a person uses it: by its labels and its words. */
export class PhonePage {
  readonly page: Page;
  /** Everything that the browser complained about. */
  readonly complaints: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('response', (response) => {
      if (response.status() >= 400) this.complaints.push(`${response.status()} ${response.url()}`);
    });
    page.on('requestfailed', (request) => {
      const why = request.failure()?.errorText ?? '';
      // A page that is left ends its stream of events.
      if (why !== 'net::ERR_ABORTED') this.complaints.push(`${why} ${request.url()}`);
    });
  }

  static async open(window: BrowserContext, url: string): Promise<PhonePage> {
    const phone = new PhonePage(await window.newPage());
    await phone.page.goto(url);
    await phone.isLive();
    return phone;
  }

  get composer(): Locator {
    return this.page.getByRole('textbox', { name: 'Message to' });
  }

  get suggestion(): Locator {
    return this.page.getByTestId('suggestion');
  }

  get envelopes(): Locator {
    return this.page.getByTestId('envelope-row');
  }

  /** A line of the list of chats. */
  chat(name: string): Locator {
    const title = this.page.locator('.title').getByText(name, { exact: true });
    return this.page.getByRole('navigation', { name: 'Chats' }).getByRole('button').filter({ has: title });
  }

  async openChat(name: string): Promise<void> {
    await this.chat(name).click();
    await this.page.getByRole('heading', { name, level: 2 }).waitFor();
  }

  async isLive(): Promise<void> {
    await this.page
      .getByRole('status')
      .filter({ hasText: /^live$/ })
      .waitFor();
  }

  /** Says something in the chat that is open; resolves when its ticks say that it was dealt with. */
  async say(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.composer.press('Enter');
    await this.isRead(text);
  }

  /** What the person has said in the chat that is open. */
  mine(text: string): Locator {
    return this.page.locator('[data-testid=bubble][data-mine=true]').filter({ hasText: text });
  }

  async isRead(text: string): Promise<void> {
    await this.mine(text).getByRole('img', { name: 'Read', exact: true }).waitFor();
  }

  /** Resolves when the last bubble of the open chat is somebody else's and has these words. */
  async isAnswered(words: string): Promise<void> {
    await this.page.locator('[data-testid=bubble][data-mine=false]:last-child').filter({ hasText: words }).waitFor();
  }

  /** All that was said in the chat that is open. */
  async said(): Promise<readonly Said[]> {
    const bubbles = await this.page.getByTestId('bubble').all();
    return Promise.all(
      bubbles.map(async (bubble) => ({
        speaker: (await bubble.getByTestId('speaker').textContent()) ?? '',
        text: (await bubble.locator('.text').textContent()) ?? '',
      })),
    );
  }

  /** Follows the two suggestions of the demo to the summary. */
  async haveDemoConversation(): Promise<void> {
    await this.suggestion.click();
    await this.isAnswered('the group "Research Team" is ready');
    await this.suggestion.click();
    await this.isAnswered('Nova and Bolt discussed quantum error correction');
  }

  /** What is on the page is what should be there, and nothing went wrong on the way. */
  expectNoComplaints(): void {
    expect(this.complaints).toEqual([]);
  }
}
