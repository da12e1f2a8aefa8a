import { ParleyError } from '../domain/errors.ts';
import { nearest } from '../lib/suggestion.ts';
import type { AgentConfig, Config, WhatsAppConfig } from './config/config.ts';
import { loadConfig } from './config/load.ts';
import { processSurroundings, type SpoolFlags, type Surroundings, withFlags } from './config/surroundings.ts';
import { linkedAccounts } from './config/whatsapp.ts';
import { whatsAppNumber } from './config/whatsapp-number.ts';

/** What the command line says of the account. */
export interface PairingFlags extends SpoolFlags {
  /** Link by QR code, so that there is one for the file. */
  readonly png?: string;
  /** Link by a code that is typed in. */
  readonly code?: boolean;
  /** The phone that links it, in the place of the agent's. */
  readonly phone?: string;
}

/** The account that is to be linked, and where to. */
export interface PairingTarget {
  readonly account: { readonly id: string; readonly phone: string | null };
  readonly databasePath: string;
  readonly linkBy: WhatsAppConfig['linkBy'];
  /** For tests: what takes the place of WhatsApp's server. */
  readonly server: { readonly webUrl: string; readonly rootKey: string } | null;
  readonly logLevel: Config['logLevel'];
}

/**
 * The account of the agent of this id or name, or of the only one. A missing key of a provider is no obstacle: nobody is started.
 * Throws CONFIG_INVALID, USAGE or AGENT_UNKNOWN.
 */
export function pairingTarget(
  agent: string | undefined,
  flags: PairingFlags,
  surroundings: Surroundings = processSurroundings(),
): PairingTarget {
  const loaded = loadConfig({ flags: {}, ...withFlags(surroundings, flags) });
  if (!loaded.ok) throw loaded.error;
  const { config } = loaded.value;
  const whatsapp = requireBaileys(config.whatsapp);
  const { id } = choose(withAccounts(config), agent);
  const configured = linkedAccounts(config).find((account) => account.id === id)?.phone ?? null;
  const account = { id, phone: flags.phone === undefined ? configured : requireNumber(flags.phone) };
  const linkBy = flags.code ? 'code' : flags.png === undefined ? whatsapp.linkBy : 'qr';
  if (linkBy === 'code' && account.phone === null) {
    const hint = `parley pair ${id} --code --phone +15550101, or set AGENT_PHONE.`;
    throw new ParleyError('USAGE', 'A code can only be asked for when the phone number is known.', { hint });
  }
  const { webUrl, rootKey } = whatsapp;
  const server = webUrl === null || rootKey === null ? null : { webUrl, rootKey };
  return { account, linkBy, server, databasePath: config.databasePath, logLevel: config.logLevel };
}

function requireBaileys(whatsapp: WhatsAppConfig | null): WhatsAppConfig {
  if (whatsapp === null) {
    throw new ParleyError('CONFIG_INVALID', 'WhatsApp is not one of the platforms: there is nothing to link.', {
      hint: 'Set PLATFORM=whatsapp, or PLATFORM=local,whatsapp for the chat page as well.',
    });
  }
  if (whatsapp.mode === 'cloud-api') {
    throw new ParleyError('CONFIG_INVALID', 'A number of the Cloud API is not linked with a phone.', {
      hint: 'It works with its access token alone: parley start. Or set WHATSAPP_MODE=baileys.',
    });
  }
  return whatsapp;
}

const withAccounts = ({ agents, accounts }: Config): AgentConfig[] => agents.filter(({ id }) => accounts.includes(id));

function choose(agents: readonly AgentConfig[], wanted: string | undefined): AgentConfig {
  const ids = agents.map(({ id }) => id);
  const [only, ...others] = agents;
  if (wanted === undefined) {
    if (only !== undefined && others.length === 0) return only;
    throw new ParleyError('USAGE', `Which agent is to be linked: ${ids.join(', ')}?`, {
      hint: `For example: parley pair ${ids[0]}`,
    });
  }
  const agent =
    agents.find(({ id }) => id === wanted) ?? agents.find(({ name }) => name.toLowerCase() === wanted.toLowerCase());
  if (agent) return agent;
  const meant = nearest(wanted, ids);
  throw new ParleyError('AGENT_UNKNOWN', `No agent '${wanted}' with an account is set up here.`, {
    hint: meant === null ? `There is: ${ids.join(', ')}.` : `Did you mean '${meant}'?`,
  });
}

function requireNumber(text: string): string {
  const number = whatsAppNumber(text);
  if (number !== null) return number;
  throw new ParleyError('USAGE', '--phone takes a phone number with its country code, such as +15550101.');
}
