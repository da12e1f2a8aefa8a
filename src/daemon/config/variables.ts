import { nearest } from '../../lib/suggestion.ts';
import { PROVIDER_IDS, PROVIDERS, requestsPerMinuteVariable } from '../../providers/catalogue.ts';
import { type Binding, bind, SPOOL_BINDINGS } from './bindings.ts';
import type { Problem } from './problem.ts';
import { PROJECT_ROOT, type Variable } from './surroundings.ts';

/** The id that Meta gave the number. */
export const PHONE_NUMBER_ID = 'WHATSAPP_PHONE_NUMBER_ID';

/** Where two variables stand for one setting the later wins. */
export const BINDINGS: readonly Binding[] = [
  ...SPOOL_BINDINGS,
  bind('HEALTH_HOST', 'http.host'),
  bind('HEALTH_PORT', 'http.port', 'number'),
  bind('PLATFORM', 'platforms', 'words'),
  bind('AI_PROVIDER', 'provider', 'word'),
  bind('AI_FALLBACK_PROVIDERS', 'fallbacks', 'words'),
  bind('ADMIN_LIST', 'admins', 'list'),
  bind('SECURITY_REQUIRE_AGENT_AUTH', 'security.requireAgentAuth', 'boolean'),
  bind('SECURITY_MAX_MESSAGE_AGE_MS', 'security.maxMessageAgeMs', 'number'),
  bind('SECURITY_ENABLE_ALLOWLIST', 'security.enableAllowlist', 'boolean'),
  bind('SECURITY_ALLOWLIST', 'security.allowlist', 'list'),
  bind('SECURITY_BLOCKLIST', 'security.blocklist', 'list'),
  bind('SECURITY_ENABLE_RATE_LIMIT', 'security.rateLimit.enabled', 'boolean'),
  bind('SECURITY_RATE_LIMIT_MAX', 'security.rateLimit.max', 'number'),
  bind('SECURITY_RATE_LIMIT_WINDOW_MS', 'security.rateLimit.windowMs', 'number'),
  bind('SECURITY_UNLISTED_PER_HOUR', 'security.rateLimit.unlistedPerHour', 'number'),
  bind('SECURITY_MAX_MESSAGE_LENGTH', 'security.maxMessageLength', 'number'),
  bind('PARLEY_BUDGET_TURNS', 'budget.turns', 'number'),
  bind('PARLEY_BUDGET_TOKENS', 'budget.tokens', 'number'),
  bind('PARLEY_BUDGET_USD', 'budget.usd', 'number'),
  bind('PARLEY_DISCUSSION_ROUNDS', 'discussion.rounds', 'number'),
  bind('PARLEY_DISCUSSION_ROUND_TIMEOUT_MS', 'discussion.roundTimeoutMs', 'number'),
  bind('AGENT_HUB_URL', 'hub.url'),
  bind('AGENT_PEERS', 'peers', 'list'),
  bind('WHATSAPP_MODE', 'whatsapp.mode', 'word'),
  bind('WHATSAPP_LINK_BY', 'whatsapp.linkBy', 'word'),
  bind('WHATSAPP_WEB_URL', 'whatsapp.webUrl'),
  bind('WHATSAPP_WEB_ROOT_KEY', 'whatsapp.webRootKey'),
  bind('WHATSAPP_GROUPS', 'whatsapp.groups', 'list'),
  bind('WHATSAPP_GROUP_ACTIVATION', 'whatsapp.groupActivation', 'word'),
  bind('WHATSAPP_DEBOUNCE_MS', 'whatsapp.debounceMs', 'number'),
  bind('WHATSAPP_MAX_MEDIA_MB', 'whatsapp.maxMediaMb', 'number'),
  bind(PHONE_NUMBER_ID, 'whatsapp.cloud.phoneNumberId'),
  bind('WHATSAPP_API_VERSION', 'whatsapp.cloud.apiVersion', 'word'),
  bind('WHATSAPP_GRAPH_URL', 'whatsapp.cloud.graphUrl'),
  bind('WHATSAPP_TEMPLATE', 'whatsapp.cloud.template'),
  bind('WHATSAPP_TEMPLATE_LANGUAGE', 'whatsapp.cloud.templateLanguage'),
  bind('PARLEY_TASK_TIMEOUT_MS', 'taskTimeoutMs', 'number'),
  bind('PARLEY_HISTORY_IDLE_HOURS', 'history.idleHours', 'number'),
  bind('PARLEY_HISTORY_SWEEP_MINUTES', 'history.sweepMinutes', 'number'),
  bind('MULTI_AGENT_PORTS', 'httpAgents.ports', 'numbers'),
  bind('MULTI_AGENT_ALLOW_PRIVATE', 'httpAgents.allowPrivate', 'boolean'),
  ...PROVIDER_IDS.flatMap((id) => {
    const { model, baseUrl } = PROVIDERS[id].variables;
    return [
      ...(model === null ? [] : [bind(model, `providers.${id}.model`)]),
      ...(baseUrl === null ? [] : [bind(baseUrl, `providers.${id}.baseUrl`)]),
      bind(requestsPerMinuteVariable(id), `providers.${id}.requestsPerMinute`, 'number'),
    ];
  }),
];

/** The variables that describe the one agent of a `.env`; they count when `AGENT_NAME` is set. */
export const AGENT_BINDINGS: readonly Binding[] = [
  bind('AGENT_NAME', 'name'),
  bind('AGENT_ID', 'id'),
  bind('AGENT_PERSONA', 'persona'),
  bind('AGENT_PHONE', 'phone'),
  bind('AGENT_CAPABILITIES', 'capabilities', 'list'),
];

export const AGENT_SECRET = 'SECURITY_AGENT_SECRET';
export const ENCRYPTION_KEY = 'SECURITY_ENCRYPTION_KEY';
export const HUB_SECRET = 'AGENT_HUB_SECRET';
export const ACCESS_TOKEN = 'WHATSAPP_ACCESS_TOKEN';
export const APP_SECRET = 'WHATSAPP_APP_SECRET';
export const VERIFY_TOKEN = 'WHATSAPP_VERIFY_TOKEN';
/** A list in JSON of agents that are reached over HTTP. Their keys are in it, and so all of it is kept as a secret. */
export const AGENT_REGISTRY = 'MULTI_AGENT_REGISTRY';

/** Each may come from a file instead: `<NAME>_FILE` holds its path. */
export const SECRETS: readonly string[] = [
  AGENT_SECRET,
  ENCRYPTION_KEY,
  HUB_SECRET,
  AGENT_REGISTRY,
  ACCESS_TOKEN,
  APP_SECRET,
  VERIFY_TOKEN,
  ...PROVIDER_IDS.flatMap((id) => PROVIDERS[id].variables.key ?? []),
];

const KNOWN: ReadonlySet<string> = new Set([
  PROJECT_ROOT,
  ...[...BINDINGS, ...AGENT_BINDINGS].map(({ variable }) => variable),
  ...SECRETS.flatMap((name) => [name, `${name}_FILE`]),
]);

/** Variables of the guides for what this version does not do. Nobody should think that they protect anything. */
const NOT_YET = /^(SECURITY_ENABLE_INPUT_SANITIZATION|SECURITY_BLOCK_PROMPT_INJECTION)$/;
/** One for each agent on a relay: see agent-secrets.ts. */
const RELAY_SECRET = /^AGENT_COMM_SECRET_./;
const OURS = /^(SECURITY|AGENT|AI|PARLEY|MULTI_AGENT|WHATSAPP)_/;

/**
 * Variables that look like ours but do nothing. Only warnings: the environment is full of other programs' variables.
 * A variable of another prefix is looked at only in `.env`, which is written for us.
 */
export function variableWarnings(variables: ReadonlyMap<string, Variable>): Problem[] {
  const warnings: Problem[] = [];
  for (const [name, { where, fromFile }] of variables) {
    if (KNOWN.has(name) || RELAY_SECRET.test(name)) continue;
    const ours = OURS.test(name);
    if (!ours && !fromFile) continue;
    if (NOT_YET.test(name)) {
      warnings.push({
        severity: 'warning',
        where,
        message: 'has no effect in this version',
        fix: 'Do not rely on it.',
      });
      continue;
    }
    const meant = nearest(name, [...KNOWN]);
    if (meant === null && !ours) continue;
    const fix = meant === null ? 'Remove it if it was meant for Parley.' : `Did you mean ${meant}?`;
    warnings.push({ severity: 'warning', where, message: 'there is no such variable', fix });
  }
  return warnings;
}
