/**
 * Why a request may not go to this URL; null when it may. `allowed`: patterns such as `example.org`, `*.example.org` (what is below
 * it), or `*` for every host. This is about names alone: to which address a name leads is looked at where the connection is made.
 */
export function hostRefusal(url: URL, allowed: readonly string[]): string | null {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return `${url.protocol} is neither http nor https.`;
  if (url.username || url.password) return 'A URL with a user name or a password is not fetched.';
  const host = url.hostname.replace(/\.$/, '');
  if (allowed.some((pattern) => matches(host, pattern.toLowerCase()))) return null;
  const list = allowed.length === 0 ? 'none is' : `allowed are ${allowed.join(', ')}`;
  return `${host} is not an allowed host; ${list}. Whoever runs Parley can add it to sandbox.network.`;
}

function matches(host: string, pattern: string): boolean {
  if (pattern === '*') return true;
  return pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern;
}
