import type { BrowserContext, BrowserContextOptions } from 'playwright-core';
import { DaemonProcess } from '../support/daemon-process.ts';
import { temporaryFolder } from '../support/spool.ts';
import { openBrowser, openWindow, PhonePage } from './phone-page.ts';

interface FirstStart extends AsyncDisposable {
  /** Where it runs, with its database. */
  readonly folder: string;
  readonly parley: DaemonProcess;
  readonly window: BrowserContext;
  readonly phone: PhonePage;
}

/** A Parley with an empty database, and nothing set up but `env`; and its page in a fresh browser. */
export async function firstStart(
  options: BrowserContextOptions = {},
  env: Readonly<Record<string, string>> = {},
): Promise<FirstStart> {
  await using stack = new AsyncDisposableStack();
  const folder = temporaryFolder();
  stack.defer(() => folder.remove());
  const parley = stack.use(await DaemonProcess.start({ folder: folder.path, env }));
  const window = await openWindow(stack.use(await openBrowser()), options);
  const phone = await PhonePage.open(window, parley.url);
  const cleanup = stack.move();
  return { folder: folder.path, parley, window, phone, [Symbol.asyncDispose]: () => cleanup.disposeAsync() };
}
