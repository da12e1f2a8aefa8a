const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/**
 * Why a request may not go to this URL; null when it may. `allowed`: patterns such as `example.org`, `*.example.org` (what is below
 * it), or `*` for every host; each is for the ports 80 and 443, unless it names another one (`example.org:8443`) or any (`example.org:*`).
 * This is about names alone: to which address a name leads is looked at where the connection is made.
 */
export function hostRefusal(url: URL, allowed: readonly string[]): string | null {
  const defaultPort = DEFAULT_PORTS[url.protocol];
  if (defaultPort === undefined) return `${url.protocol} is neither http nor https.`;
  if (url.username || url.password) return 'A URL with a user name or a password is not fetched.';
  const host = url.hostname.replace(/\.$/, '');
  if (allowed.some((pattern) => matches(host, url.port || defaultPort, pattern.toLowerCase()))) return null;
  const list = allowed.length === 0 ? 'none is' : `allowed are ${allowed.join(', ')}`;
  const asked = url.port === '' ? host : `${host}:${url.port}`;
  return `${asked} is not an allowed host; ${list}. Whoever runs Parley can add it to sandbox.network.`;
}

function matches(host: string, port: string, pattern: string): boolean {
  const [name = '', only] = pattern.split(':');
  const ports = only === undefined ? Object.values(DEFAULT_PORTS) : [only];
  if (only !== '*' && !ports.includes(port)) return false;
  if (name === '*') return true;
  return name.startsWith('*.') ? host.endsWith(name.slice(1)) : host === name;
}
