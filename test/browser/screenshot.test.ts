import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { firstStart } from './first-start.ts';

const PICTURE = fileURLToPath(new URL('../../docs/images/local-chat.png', import.meta.url));
const MAX_BYTES = 400 * 1024;

/** `npm run screenshot` makes the picture of the README anew. */
it.runIf(process.env['PARLEY_SCREENSHOT'] === '1')('takes the picture of the README', async () => {
  await using t = await firstStart({ deviceScaleFactor: 1.4, reducedMotion: 'reduce', colorScheme: 'light' });
  const { phone } = t;
  await phone.haveDemoConversation();
  await phone.openChat('Research Team');
  await phone.page.mouse.move(0, 0);
  await expect.poll(() => phone.page.locator('#panel-count').textContent()).toMatch(/^(\d+) of \1 settled$/);
  await expect.poll(() => phone.page.locator('.way.flash').count()).toBe(0);
  await phone.page.screenshot({ path: PICTURE });
  expect((await stat(PICTURE)).size).toBeLessThan(MAX_BYTES);
});
