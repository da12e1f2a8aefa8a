import { describe, expect, it } from 'vitest';
import { hostRefusal } from './allowed-hosts.ts';

const ALLOWED = ['Example.org', '*.example.net', 'api.example.com:8443', '*:9000', 'build.example:*'];

describe('allowed hosts', () => {
  it.each([
    'https://example.org/a?b',
    'http://example.org',
    'https://example.org:80/',
    'https://example.org./',
    'https://a.b.example.net/',
    'https://api.example.com:8443/',
    'http://anything.example:9000/',
    'http://build.example:22/',
  ])('[TOL-02] %s may be asked', (url) => {
    expect(hostRefusal(new URL(url), ALLOWED)).toBeNull();
  });

  it.each([
    ['https://example.net/', 'example.net is not an allowed host'],
    ['https://badexample.org/', 'badexample.org is not an allowed host'],
    ['https://example.org.evil.example/', 'example.org.evil.example is not an allowed host'],
    ['https://example.org:22/', 'example.org:22 is not an allowed host'],
    ['https://example.org:8443/', 'example.org:8443 is not an allowed host'],
    ['https://api.example.com/', 'api.example.com is not an allowed host'],
    ['ftp://example.org/', 'ftp: is neither http nor https'],
    [`https://${'me:hush'}@example.org/`, 'A URL with a user name or a password is not fetched'],
  ])('[TOL-02] %s may not', (url, reason) => {
    expect(hostRefusal(new URL(url), ALLOWED)).toContain(reason);
  });

  it('[TOL-02] any host is not any port', () => {
    expect(hostRefusal(new URL('https://mail.example/'), ['*'])).toBeNull();
    expect(hostRefusal(new URL('https://mail.example:25/'), ['*'])).toContain('mail.example:25 is not an allowed host');
    expect(hostRefusal(new URL('https://mail.example/'), [])).toContain('; none is.');
  });
});
