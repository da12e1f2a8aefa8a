import { z } from 'zod';
import { isLoopbackAddress } from '../../lib/public-address.ts';
import { type AccountHealth, accountHealthSchema, describeAccount, isWell } from '../account-health.ts';
import type { Config } from '../config/config.ts';
import { type Check, good, warning } from './check.ts';

/** How long a Parley that is running may take to answer, in milliseconds. */
const PATIENCE_MS = 2_000;
const NAME = 'running';

const healthSchema = z.object({
  agents: z.number(),
  uptime: z.number(),
  accounts: z.array(accountHealthSchema),
});

/** What the Parley that runs with these settings says of its accounts. Nothing but this machine is asked. */
export async function checkRunning({ host, port }: Config['http']): Promise<Check[]> {
  const name = nameHere(host);
  if (name === null) return [good(NAME, `not asked: ${host} is not an address of this machine alone`)];
  if (port === 0) return [good(NAME, 'not asked: its port is not known beforehand')];
  const url = `http://${name}:${port}/`;
  const found = await ask(url);
  if (found === null) return [good(NAME, `not running: nothing answers at ${url}`)];
  const health = healthSchema.safeParse(found.answer);
  if (!health.success) {
    return [warning(NAME, `what is at ${url} does not answer as a Parley does`, 'See which program has that port.')];
  }
  const { agents, accounts } = health.data;
  return [good(NAME, `${agents} agent(s), at ${url}`), ...accounts.map((account) => checkAccount(account, url))];
}

/** What it says at `/health`; null: nobody is there. */
async function ask(url: string): Promise<{ readonly answer: unknown } | null> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  try {
    const response = await fetch(new URL('health', url), { signal, redirect: 'manual' });
    return { answer: await response.json().catch(() => null) };
  } catch {
    return signal.aborted ? { answer: null } : null;
  }
}

function checkAccount(account: AccountHealth, url: string): Check {
  const detail = describeAccount(account);
  return isWell(account) ? good('account', detail) : warning('account', detail, fixOf(account, url));
}

function fixOf({ account, state }: AccountHealth, url: string): string {
  switch (state) {
    case 'unlinked':
    case 'linking':
      return `Scan the code at ${url}whatsapp with the phone; or stop Parley, and run: parley pair ${account}`;
    case 'stopped':
      return `Mend that, and start Parley again; or stop it, and link the account anew: parley pair ${account} --force`;
    case 'paused':
      return 'Mend the account at Meta, or give it another access token; see docs/guides/whatsapp.md.';
    default:
      return 'It is tried again by itself. If it stays so, look at the network of this machine.';
  }
}

/** As what this machine is asked that listens at a host; null: it does so for others only. */
function nameHere(host: string): string | null {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  if (host !== 'localhost' && !isLoopbackAddress(host)) return null;
  return host.includes(':') ? `[${host}]` : host;
}
