import type { Locator, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { firstStart } from './first-start.ts';

/** More presses of the Tab key than the page has places to go. */
const FAR = 40;

describe('the page without a mouse, or without eyes', () => {
  it('[RUN-01] the whole conversation is had with the keyboard alone', async () => {
    await using t = await firstStart();
    const { phone } = t;
    const { keyboard } = phone.page;
    await tabTo(phone.page, phone.suggestion);
    await keyboard.press('Enter');
    await phone.isAnswered('the group "Research Team" is ready');
    // After a suggestion the person goes on writing.
    await keyboard.type('Tell the Research Team:');
    await keyboard.press('Shift+Enter');
    await keyboard.type('What are your thoughts on databases?');
    await keyboard.press('Enter');
    await phone.isAnswered('Nova and Bolt discussed databases');
    await tabTo(phone.page, phone.chat('Research Team'), 'Shift+Tab');
    await keyboard.press('Enter');
    await phone.page.getByRole('heading', { name: 'Research Team', level: 2 }).waitFor();
    await isFocused(phone.chat('Research Team'));
    expect(await phone.chat('Research Team').getAttribute('aria-current')).toBe('true');
    expect(await phone.said()).toHaveLength(5);
    phone.expectNoComplaints();
  });

  it('[RUN-01] everything has a role and a name, and what others say is read out', async () => {
    await using t = await firstStart();
    const { phone } = t;
    const { page } = phone;
    await phone.haveDemoConversation();
    for (const place of [
      page.getByRole('banner'),
      page.getByRole('main'),
      page.getByRole('region', { name: 'Phone' }),
      page.getByRole('navigation', { name: 'Chats' }),
      page.getByRole('region', { name: 'Messages' }),
      page.getByRole('textbox', { name: 'Message to Atlas' }),
      page.getByRole('button', { name: 'Send' }),
      page.getByRole('region', { name: 'Envelopes between mailboxes' }),
      page.getByRole('img', { name: 'Who sends to whose mailbox' }),
      page.getByRole('list', { name: 'Envelopes, newest first' }),
    ]) {
      expect(await place.count(), String(place)).toBe(1);
    }
    const tree = await page.locator('body').ariaSnapshot();
    expect(tree.match(/^ *- (?:button|textbox|link|img|region|navigation|heading)(?: \[.*\])?:?$/gmu)).toBeNull();
    expect(await page.locator('[aria-live=polite]').textContent()).toMatch(/^Atlas: Nova and Bolt discussed/);
    expect(await page.locator('html').getAttribute('lang')).toBe('en');
    expect(await page.getByRole('heading', { level: 1 }).allInnerTexts()).toEqual(['Parley']);
    const ids = await page.locator('[id]').evaluateAll((elements) => elements.map(({ id }) => id));
    expect(ids).toEqual([...new Set(ids)]);
  });

  it.each(['light', 'dark'] as const)(
    '[RUN-01] all text stands out from its ground, in %s colours',
    async (colorScheme) => {
      await using t = await firstStart({ colorScheme, reducedMotion: 'reduce' });
      await t.phone.haveDemoConversation();
      await t.phone.openChat('Research Team');
      expect(await faintTexts(t.phone.page)).toEqual([]);
    },
  );

  it('[RUN-01] fits a phone: nothing is cut off to the side, and the panel is below the chat', async () => {
    await using t = await firstStart({ viewport: { width: 360, height: 740 }, hasTouch: true });
    const { phone } = t;
    await phone.haveDemoConversation();
    const { page } = phone;
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    const [chat, panel] = await Promise.all([
      page.getByRole('region', { name: 'Phone' }).boundingBox(),
      page.getByRole('region', { name: 'Envelopes between mailboxes' }).boundingBox(),
    ]);
    expect(panel?.y).toBeGreaterThanOrEqual((chat?.y ?? 0) + (chat?.height ?? 0));
    await phone.openChat('Research Team');
    expect(await phone.said()).toHaveLength(5);
    phone.expectNoComplaints();
  });
});

async function tabTo(page: Page, target: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  for (let press = 0; press < FAR; press++) {
    await page.keyboard.press(key);
    if (await target.evaluate((element) => element === document.activeElement)) return isFocused(target);
  }
  throw new Error(`The ${key} key does not lead to ${target}.`);
}

/** Where the keyboard is can be seen. */
async function isFocused(target: Locator): Promise<void> {
  expect(await target.evaluate((element) => element.matches(':focus-visible'))).toBe(true);
  expect(await target.evaluate((element) => getComputedStyle(element).outlineStyle)).toBe('solid');
}

/**
 * The texts whose contrast with what is behind them is less than 4.5 to 1 (WCAG 2.2, success criterion 1.4.3). Colours are painted
 * on a canvas to get their red, green and blue, however the style sheet wrote them.
 */
const faintTexts = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    if (!canvas) throw new Error('no canvas');
    const paint = (colours: readonly string[]): number[] => {
      canvas.clearRect(0, 0, 1, 1);
      for (const colour of colours) {
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
      }
      return [...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)];
    };
    const luminance = (colour: readonly number[]): number => {
      const [r = 0, g = 0, b = 0] = colour.map((part) => {
        const share = part / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const groundsOf = (element: Element | null): string[] =>
      element ? [...groundsOf(element.parentElement), getComputedStyle(element).backgroundColor] : ['white'];
    const seen = [...document.querySelectorAll('body *')].filter(
      (element) =>
        !(element instanceof SVGElement) &&
        element.checkVisibility() &&
        !element.closest('.unseen, :disabled') &&
        [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim() !== ''),
    );
    if (seen.length < 50) throw new Error(`only ${seen.length} texts were looked at`);
    return seen.flatMap((element) => {
      const grounds = groundsOf(element);
      const [ink, ground] = [
        luminance(paint([...grounds, getComputedStyle(element).color])),
        luminance(paint(grounds)),
      ];
      const contrast = (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
      return contrast < 4.5
        ? [`${contrast.toFixed(2)} ${element.className}: ${element.textContent?.slice(0, 40)}`]
        : [];
    });
  });
