import type { AgentId } from '../../domain/addresses.ts';
import type { RoutingRules } from '../../domain/routing.ts';
import { normaliseIdentity } from '../../security/identity.ts';
import type { CloudApiConfig, Config } from './config.ts';
import { EVERYBODY } from './panels.ts';
import type { Problem } from './problem.ts';
import type { Settings } from './settings-schema.ts';
import type { Sources } from './sources.ts';
import { problem } from './surroundings.ts';
import { ACCESS_TOKEN, APP_SECRET, PHONE_NUMBER_ID, SECRETS, VERIFY_TOKEN } from './variables.ts';
import { whatsAppNumber } from './whatsapp-number.ts';

interface ConfiguredWhatsApp extends Pick<Config, 'whatsapp'> {
  readonly problems: readonly Problem[];
}

type Agents = Pick<Config, 'mode' | 'agents' | 'accounts' | 'routing'>;
type Where = (path: readonly string[]) => string;

const MIB = 1024 * 1024;

/** WhatsApp as it is set up; null when it is none of the platforms. */
export function configureWhatsApp(
  settings: Settings,
  agents: Agents,
  sources: Sources,
  where: Where,
): ConfiguredWhatsApp {
  if (!settings.platforms.includes('whatsapp')) return { whatsapp: null, problems: [] };
  const { mode, linkBy, webUrl, webRootKey, groups, groupActivation, debounceMs, maxMediaMb } = settings.whatsapp;
  const { cloud, problems } =
    mode === 'cloud-api'
      ? configureCloudApi(settings, agents, sources, where)
      : { cloud: null, problems: linkProblems(settings, agents, where) };
  const whatsapp = {
    mode,
    linkBy,
    webUrl: webUrl ?? null,
    rootKey: webRootKey ?? null,
    groups: groups.some((group) => group.toLowerCase() === 'all')
      ? ('all' as const)
      : [...new Set([...groups, ...boundGroups(agents.routing)])],
    groupActivation,
    debounceMs,
    maxMediaBytes: maxMediaMb * MIB,
    cloud,
  };
  return { whatsapp, problems };
}

/** The accounts of `baileys`, with the numbers that are to link them as `+<digits>`; null: any number. Those of the demo are made up. */
export function linkedAccounts({
  mode,
  agents,
  accounts,
}: Pick<Config, 'mode' | 'agents' | 'accounts'>): { readonly id: AgentId; readonly phone: string | null }[] {
  return accounts.map((account) => {
    const phone = agents.find(({ id }) => id === account)?.phone ?? null;
    return { id: account, phone: mode === 'demo' || phone === null ? null : whatsAppNumber(phone) };
  });
}

/** The groups of bindings: to name them there is enough. Those of panels are known where messages come in. */
function boundGroups(routing: RoutingRules | null): string[] {
  const peers = (routing?.bindings ?? []).flatMap(({ match: { group, peer } }) => [
    ...(group === undefined ? [] : [group]),
    ...(peer === undefined || peer.kind === 'dm' || isPerson(peer.id) ? [] : [peer.id]),
  ]);
  return peers.filter((peer) => peer !== EVERYBODY);
}

/** Whether a peer that somebody has written down is a person, by number or hidden id, and no group. */
export const isPerson = (peer: string): boolean => /^\+\d+$|@(?:lid|s\.whatsapp\.net)$/.test(normaliseIdentity(peer));

function configureCloudApi(
  { whatsapp: { cloud } }: Settings,
  { accounts }: Agents,
  { secrets }: Sources,
  where: Where,
) {
  const problems: Problem[] = [];
  const needed = (variable: string, what: string, value = secrets.get(variable)): string => {
    const file = SECRETS.includes(variable) ? ` (or ${variable}_FILE)` : '';
    const fix = `Set ${variable}${file}: ${what}.`;
    if (value === undefined) problems.push(problem(variable, 'the Cloud API cannot be used without it', fix));
    return value ?? '';
  };
  const { phoneNumberId, apiVersion, graphUrl, template, templateLanguage } = cloud;
  const configured: CloudApiConfig = {
    phoneNumberId: needed(PHONE_NUMBER_ID, 'the page API Setup of your app shows it', phoneNumberId),
    accessToken: needed(ACCESS_TOKEN, 'the token of a system user of your business'),
    appSecret: needed(APP_SECRET, 'the basic settings of your app show it'),
    verifyToken: needed(VERIFY_TOKEN, 'any word of yours, which Meta is told with the address for webhooks'),
    apiVersion,
    graphUrl,
    template: template === undefined ? null : { name: template, language: templateLanguage },
  };
  if (accounts.length > 1) {
    const message = 'the Cloud API has one number, and several agents have one of their own';
    const fix = 'Keep one agent, name one in routing.accounts, or set WHATSAPP_MODE=baileys, where each has a number.';
    problems.push(problem(where(['whatsapp', 'mode']), message, fix));
  }
  return { cloud: configured, problems };
}

function linkProblems({ whatsapp: { linkBy, webUrl, webRootKey } }: Settings, agents: Agents, where: Where): Problem[] {
  const problems: Problem[] = [];
  const unknown = linkedAccounts(agents).filter(({ phone }) => phone === null);
  if (linkBy === 'code' && unknown.length > 0) {
    const message = `codes are for known phone numbers: there is none, with its country code, for ${unknown.map(({ id }) => id).join(', ')}`;
    const fix = 'Set AGENT_PHONE (phone in parley.json5), such as +15550101, or WHATSAPP_LINK_BY=qr.';
    problems.push(problem(where(['whatsapp', 'linkBy']), message, fix));
  }
  if ((webUrl === undefined) !== (webRootKey === undefined)) {
    const place = where(['whatsapp', webUrl === undefined ? 'webRootKey' : 'webUrl']);
    const fix = 'Set both, for tests, or none, for WhatsApp itself.';
    problems.push(problem(place, 'WHATSAPP_WEB_URL and WHATSAPP_WEB_ROOT_KEY belong together', fix));
  }
  return problems;
}
