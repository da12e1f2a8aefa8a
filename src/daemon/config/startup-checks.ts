import { addressIn, isLoopbackAddress } from '../../lib/public-address.ts';
import type { HttpAgent } from '../../links/agent-http/http-agent.ts';
import { PROVIDERS } from '../../providers/catalogue.ts';
import { missingVariable } from '../../providers/settings.ts';
import type { AgentConfig, Config } from './config.ts';
import type { Problem } from './problem.ts';
import { toolDoubts } from './tool-doubts.ts';
import { AGENT_REGISTRY, AGENT_SECRET, ENCRYPTION_KEY, SECRETS } from './variables.ts';

/** What the checks need to know of the machine. */
export interface StartupFacts {
  /** Of the files with secrets in them and the database: those that everybody on this machine may read. */
  readonly worldReadable: readonly string[];
}

/** 32 random bytes in hex are twice as long; less than this is worth a warning. */
const SHORTEST_GOOD_SECRET = 32;
/** Random text of that length has more different characters than this. */
const LEAST_VARIETY = 8;
/** What guides and examples write where a secret belongs. */
const EXAMPLE_VALUE = /your-|change-?me|example|placeholder|\.\.\.|^<.*>$/i;

const GENERATE = `Make one with: node -e "console.log(require('crypto').randomBytes(32).toString('hex'))"`;

/** What should keep these agents from starting (errors), and what somebody should know (warnings). */
export function checkStartup(config: Config, facts: StartupFacts): Problem[] {
  const { agentSecret, encryptionKey } = config.security;
  return [
    ...config.agents.flatMap(providerProblems),
    ...config.agents.flatMap(toolDoubts),
    ...authProblems(config),
    ...weakness(AGENT_SECRET, agentSecret),
    ...weakness(ENCRYPTION_KEY, encryptionKey),
    ...sameSecretTwice(config),
    ...facts.worldReadable.map((path) =>
      warning(path, 'everybody on this machine may read it', `Run: chmod 600 ${JSON.stringify(path)}`),
    ),
    ...openBind(config.http.host),
    ...config.httpAgents.flatMap(openKey),
    ...whatsAppDoubts(config),
  ];
}

function providerProblems({ id, chain }: AgentConfig): Problem[] {
  return chain.flatMap((settings) => {
    const variable = missingVariable(settings);
    if (variable === null) return [];
    const file = SECRETS.includes(variable) ? ` (or ${variable}_FILE)` : '';
    const fix = `Set ${variable}${file}, or choose another provider for ${id}.`;
    return [error(variable, `${PROVIDERS[settings.provider].label} cannot be used by ${id} without it`, fix)];
  });
}

function authProblems({ mode, security: { requireAgentAuth, agentSecret } }: Config): Problem[] {
  const where = 'SECURITY_REQUIRE_AGENT_AUTH';
  if (mode === 'agents' && requireAgentAuth && agentSecret === null) {
    return [error(where, `is true, but there is no ${AGENT_SECRET} to check with`, `Set ${AGENT_SECRET}. ${GENERATE}`)];
  }
  if (requireAgentAuth) return [];
  const message = 'messages from agents are accepted without proof of who sent them';
  const fix = agentSecret === null ? `Set ${AGENT_SECRET}. ${GENERATE}` : `Set ${where}=true.`;
  return [warning(where, message, fix)];
}

function weakness(where: string, secret: string | null): Problem[] {
  if (secret === null) return [];
  if (EXAMPLE_VALUE.test(secret)) return [warning(where, 'looks like the example value of a guide', GENERATE)];
  if (secret.length < SHORTEST_GOOD_SECRET) {
    return [warning(where, `is shorter than ${SHORTEST_GOOD_SECRET} characters and may be guessed`, GENERATE)];
  }
  if (new Set(secret).size < LEAST_VARIETY)
    return [warning(where, 'has few different characters and may be guessed', GENERATE)];
  return [];
}

function sameSecretTwice({ security: { agentSecret, encryptionKey } }: Config): Problem[] {
  if (encryptionKey === null || encryptionKey !== agentSecret) return [];
  return [warning(ENCRYPTION_KEY, `is the same as ${AGENT_SECRET}`, `Use two different ones. ${GENERATE}`)];
}

function openBind(host: string): Problem[] {
  if (isThisMachine(host)) return [];
  return [
    warning(
      'HEALTH_HOST',
      'other machines can reach this address',
      'Set HEALTH_HOST=127.0.0.1, or let only a proxy with a login through to it.',
    ),
  ];
}

function openKey({ id, url, apiKey }: HttpAgent): Problem[] {
  const { protocol, hostname } = new URL(url);
  if (apiKey === null || protocol === 'https:' || isThisMachine(addressIn(new URL(url)) ?? hostname)) return [];
  return [warning(AGENT_REGISTRY, `the key of ${id} is sent unencrypted`, 'Reach the agent by an https:// address.')];
}

function whatsAppDoubts({ whatsapp, peers, security: { allowlist, agentSecret } }: Config): Problem[] {
  const doubts: Problem[] = [];
  if (whatsapp && allowlist === null) {
    const message = 'anybody who knows the number may write, and have the model answer at your cost';
    doubts.push(warning('SECURITY_ALLOWLIST', message, 'List who may, such as SECURITY_ALLOWLIST=+15550100.'));
  }
  if (whatsapp?.webUrl) {
    const message = 'is for tests: what stands there takes the place of WhatsApp';
    doubts.push(warning('WHATSAPP_WEB_URL', message, 'Remove it, and WHATSAPP_WEB_ROOT_KEY.'));
  }
  if (peers.length > 0 && !whatsapp) {
    doubts.push(warning('AGENT_PEERS', 'has no effect without WhatsApp', 'Set PLATFORM=whatsapp, or remove it.'));
  }
  if (peers.length > 0 && agentSecret === null) {
    const message = `without ${AGENT_SECRET} nobody can tell that it is this agent who greets them`;
    doubts.push(warning('AGENT_PEERS', message, `Set ${AGENT_SECRET}, the same for all of them.`));
  }
  return doubts;
}

const isThisMachine = (host: string): boolean => host === 'localhost' || isLoopbackAddress(host);

const error = (where: string, message: string, fix: string): Problem => ({ severity: 'error', where, message, fix });
const warning = (where: string, message: string, fix: string): Problem => ({
  ...error(where, message, fix),
  severity: 'warning',
});
