import { createHash } from 'node:crypto';
import type { FastifyPluginAsync } from 'fastify';
import { localOnly } from '../local/local-only.ts';
import type { AccountState } from './baileys/link.ts';

/** An account, as the page shows it. */
export interface LinkView {
  readonly account: string;
  /** Of its agent. */
  readonly name: string;
  readonly state: AccountState;
  /** The QR code that links it, as an SVG element of our own making; null when there is none to scan. */
  readonly qrSvg: string | null;
  /** The code to type in that links it; null when there is none. */
  readonly code: string | null;
}

export interface LinkPageOptions {
  readonly accounts: () => readonly LinkView[];
}

/** A code is followed by another one after 20 seconds, or 60: nobody should see an old one for long. */
const REFRESH_S = 5;

const STYLE = `
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem; color: #1b1b1b; background: #fff; }
section { border-top: 1px solid #767676; padding: 0.5rem 0; }
figure { margin: 1rem 0; }
svg { display: block; width: min(20rem, 100%); }
.code { font: bold 2rem/1.2 ui-monospace, monospace; letter-spacing: 0.1em; }
`;

const HEADERS = {
  'content-security-policy':
    `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; ` +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  // What is on it links a device with the account.
  'cache-control': 'no-store',
} as const;

/** The page at /whatsapp, for a browser on this machine: how the accounts fare, and the codes that link them. It has no script. */
export function linkPage({ accounts }: LinkPageOptions): FastifyPluginAsync {
  return async (app) => {
    app.addHook('onRequest', localOnly);
    app.get('/whatsapp', (_request, reply) =>
      reply.headers(HEADERS).type('text/html; charset=utf-8').send(pageOf(accounts())),
    );
  };
}

function pageOf(accounts: readonly LinkView[]): string {
  const refresh = accounts.some(({ state }) => isPassing(state))
    ? `<meta http-equiv="refresh" content="${REFRESH_S}">`
    : '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${refresh}
<title>WhatsApp accounts – Parley</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>WhatsApp accounts</h1>
${accounts.length === 0 ? '<p>There are none.</p>' : accounts.map(sectionOf).join('\n')}
${refresh === '' ? '' : `<p>This page renews itself every ${REFRESH_S} seconds.</p>`}
</main>
</body>
</html>
`;
}

/** Whether it changes without anybody doing something here. */
const isPassing = ({ kind }: AccountState): boolean => kind !== 'open' && kind !== 'stopped';

const IN_WORDS: Readonly<Record<AccountState['kind'], string>> = {
  unlinked: 'Not linked.',
  linking: 'Waits for a phone that links it.',
  connecting: 'Connecting …',
  open: 'Connected.',
  waiting: 'Not connected; it is tried again.',
  standby: 'Not connected here.',
  stopped: 'Stopped.',
};

function sectionOf({ account, name, state, qrSvg, code }: LinkView): string {
  const id = escapeHtml(`account-${account}`);
  const reason = state.reason === undefined ? '' : ` ${escapeHtml(capitalised(state.reason))}.`;
  return `<section aria-labelledby="${id}">
<h2 id="${id}">${escapeHtml(name)} (${escapeHtml(account)})</h2>
<p>${IN_WORDS[state.kind]}${reason}</p>
${qrSvg === null ? '' : scanning(name, qrSvg)}${code === null ? '' : typing(code)}
</section>`;
}

const scanning = (name: string, qrSvg: string): string =>
  `<p>On the phone: WhatsApp, Linked devices, Link a device. Then scan this:</p>
<figure role="img" aria-label="QR code that links ${escapeHtml(name)}">${qrSvg}</figure>`;

const typing = (code: string): string =>
  `<p>On the phone: WhatsApp, Linked devices, Link a device, Link with phone number instead. Then type in:</p>
<p class="code">${escapeHtml(code)}</p>`;

const capitalised = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
