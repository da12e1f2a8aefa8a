import { createHash } from 'node:crypto';
import Fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { type LinkView, linkPage } from './link-page.ts';

const SVG = '<svg viewBox="0 0 1 1"><path d="M0 0h1"/></svg>';
const view = (changes: Partial<LinkView> = {}): LinkView => ({
  account: 'atlas_001',
  name: 'Atlas',
  state: { kind: 'open' },
  qrSvg: null,
  code: null,
  ...changes,
});
const LINKING = view({ state: { kind: 'linking' }, qrSvg: SVG });

async function get(accounts: readonly LinkView[], headers: Record<string, string> = {}) {
  await using app = Fastify();
  await app.register(linkPage({ accounts: () => accounts }));
  return await app.inject({ url: '/whatsapp', headers: { host: 'localhost:9090', ...headers } });
}
const page = async (...accounts: readonly LinkView[]): Promise<string> => (await get(accounts)).body;

describe('the page of the links', () => {
  it('[WHA-01] shows how each account fares, and the code of those that wait for a phone', async () => {
    const typing = view({ account: 'nova', name: 'Nova', state: { kind: 'linking' }, code: 'ABCD-1234' });
    const html = await page(LINKING, typing, view({ account: 'bolt', name: 'Bolt' }));
    expect(html).toMatch(/<h2[^>]*>Atlas \(atlas_001\)<\/h2>\n<p>Waits for a phone/);
    expect(html).toMatch(/<figure role="img" aria-label="QR code that links Atlas"><svg /);
    expect(html).toMatch(/<h2[^>]*>Nova[\s\S]*<p class="code">ABCD-1234<\/p>/);
    expect(html).toMatch(/<h2[^>]*>Bolt \(bolt\)<\/h2>\n<p>Connected\.<\/p>/);
    expect(html.match(/<svg/g)).toHaveLength(1);
  });

  it('[WHA-01] says why an account is not connected', async () => {
    expect(
      await page(view({ state: { kind: 'stopped', reason: 'another program has connected as this device' } })),
    ).toContain('<p>Stopped. Another program has connected as this device.</p>');
    expect(await page()).toContain('<p>There are none.</p>');
  });

  it('[WHA-01] renews itself while something is to come, and not when nothing is', async () => {
    const refresh = /<meta http-equiv="refresh" content="5">/;
    expect(await page(LINKING, view())).toMatch(refresh);
    expect(await page(view({ state: { kind: 'waiting' } }))).toMatch(refresh);
    expect(await page(view(), view({ state: { kind: 'stopped' } }))).not.toMatch(refresh);
  });

  it('[WHA-01] [SEC-05] is kept nowhere, runs nothing and is in no frame', async () => {
    const { headers, body } = await get([LINKING]);
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    const policy = String(headers['content-security-policy']);
    const [, style = ''] = /<style>([\s\S]*)<\/style>/.exec(body) ?? [];
    const hash = createHash('sha256').update(style).digest('base64');
    expect(policy).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(body).not.toMatch(/<script|style=|\son\w+=/i);
  });

  it('[WHA-01] [SEC-05] is for browsers on this machine, and no other page', async () => {
    expect((await get([LINKING], { host: 'parley.example' })).statusCode).toBe(403);
    expect((await get([LINKING], { origin: 'http://evil.example' })).statusCode).toBe(403);
    expect((await get([LINKING], { host: 'parley.example' })).body).not.toContain('<svg');
  });

  it('[SEC-05] names and reasons are text', async () => {
    const evil = `<img src=x onerror="alert('&')">`;
    const html = await page(
      view({ name: evil, account: '"><b>', state: { kind: 'waiting', reason: evil }, code: evil }),
    );
    expect(html).not.toMatch(/<img|<b>/);
    expect(html).toContain('&lt;img src=x onerror=&quot;alert(&#39;&amp;&#39;)&quot;&gt;');
  });
});
