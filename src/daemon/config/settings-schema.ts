import { z } from 'zod';
import { DEFAULT_TTL_MS } from '../../domain/message.ts';
import { DEFAULT_BUDGET } from '../../domain/trace.ts';
import { DEFAULT_MAX_LENGTH, DEFAULT_RATE_LIMIT, DEFAULT_UNLISTED_RATE_LIMIT } from '../../security/gate.ts';
import { agentsSection, providerSchema } from './agent-settings.ts';
import { PLATFORMS } from './config.ts';
import { mentionPatterns, spoolFields, text, whole, yesOrNo } from './fields.ts';
import { bindingsSection, broadcastSection, routingSection } from './routing-settings.ts';
import { peerNumber, whatsAppSection } from './whatsapp-settings.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Platforms that exist, so that asking for one gets a better answer than "unknown". */
const LATER_PLATFORMS = ['telegram', 'discord', 'slack', 'teams'];
const USE_PLATFORM = 'use PLATFORM=local, PLATFORM=whatsapp, or local,whatsapp for both of these';

const platform = z.enum(PLATFORMS, {
  error: ({ input }) => {
    if (input === 'both')
      return `"both" is WhatsApp and Microsoft Teams, and Teams is not in this version: ${USE_PLATFORM}`;
    const later = LATER_PLATFORMS.find((name) => name === input);
    return `${later === undefined ? 'is not a known platform' : `"${later}" is not in this version`}: ${USE_PLATFORM}`;
  },
});

const http = z.strictObject({
  host: text.default('127.0.0.1'),
  port: whole('', 0, 65_535).default(9090).describe('0: any free port.'),
});

const rateLimit = z.strictObject({
  enabled: yesOrNo.default(true),
  max: whole('messages', 1, 100_000).default(DEFAULT_RATE_LIMIT.max),
  windowMs: whole('milliseconds', 1000, DAY_MS).default(DEFAULT_RATE_LIMIT.windowMs),
  unlistedPerHour: whole('messages', 1, 100_000)
    .default(DEFAULT_UNLISTED_RATE_LIMIT.max)
    .describe('Of somebody who is neither on the allowlist nor an admin.'),
});

const security = z.strictObject({
  requireAgentAuth: yesOrNo.optional().describe('Default: whenever there is a secret to check with.'),
  maxMessageAgeMs: whole('milliseconds', 1000, DAY_MS).default(300_000),
  enableAllowlist: yesOrNo.optional().describe('Default: whenever there is an allowlist.'),
  allowlist: z.array(text).min(1, 'names nobody; leave it out to let everybody in').optional(),
  blocklist: z.array(text).default([]),
  rateLimit: rateLimit.prefault({}),
  maxMessageLength: whole('UTF-16 code units', 1, 1_000_000).default(DEFAULT_MAX_LENGTH),
});

const budget = z.strictObject({
  turns: whole('model turns', 1, 1_000_000).default(DEFAULT_BUDGET.turns),
  tokens: whole('model tokens', 1, 1_000_000_000).optional().describe('Default: no limit.'),
  usd: z
    .number('must be a number of US dollars')
    .min(0.000001, 'must be at least 0.000001 US dollars')
    .max(1_000_000, 'must be at most 1000000 US dollars')
    .optional()
    .describe('Default: no limit.'),
});

const discussion = z.strictObject({
  rounds: whole('rounds', 1, 20).default(2),
  roundTimeoutMs: whole('milliseconds', 1000, DAY_MS).default(120_000),
});

const hub = z.strictObject({
  url: z.url({ protocol: /^(?:http|ws)s?$/, error: 'must be an http:// or https:// address' }).optional(),
});

const messages = z.strictObject({
  groupChat: z
    .strictObject({ mentionPatterns: mentionPatterns.default([]) })
    .prefault({})
    .describe('For agents that have no mentionPatterns of their own.'),
});

const history = z.strictObject({
  idleHours: whole('hours', 1, 8760).default(24),
  sweepMinutes: whole('minutes', 1, 1440).default(30),
});

const provider = z.strictObject({
  model: text.optional(),
  baseUrl: z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// address' }).optional(),
  requestsPerMinute: whole('requests per minute', 1, 1_000_000).optional(),
});

const AGENT_URL_RULE = 'must be an http:// or https:// address of at most 500 characters, without user name, ? and #';

function isAgentUrl(address: string): boolean {
  if (address.length > 500 || !URL.canParse(address) || /[?#]/.test(address)) return false;
  const { protocol, username, password } = new URL(address);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}

/** What is said of an agent that is reached over HTTP, but for its key. */
export const httpAgentFields = {
  name: text.max(100, 'must have at most 100 characters'),
  url: text.refine(isAgentUrl, AGENT_URL_RULE).describe('It answers GET /health and POST /chat below it.'),
  skills: z
    .array(text.max(128, 'must have at most 128 characters'))
    .max(50, 'must be at most 50 skills')
    .default([])
    .describe('How others find it.'),
};
const httpAgent = z.strictObject(httpAgentFields);

const httpAgents = z.strictObject({
  list: z.array(httpAgent).default([]).describe('Those without a key; the others are listed in MULTI_AGENT_REGISTRY.'),
  ports: z
    .array(whole('', 1, 65_535))
    .default([])
    .describe('Of agents on this machine.'),
  allowPrivate: yesOrNo.default(false).describe('Whether those that are listed may be in a private network.'),
});

/** What `parley.json5` may hold, and what flags and environment are merged into: the one validator of every setting but secrets. */
export const settingsSchema = z.strictObject({
  $schema: z.string().optional(),
  databasePath: spoolFields.databasePath.optional().describe('Default: data/coordination.db under the project root.'),
  transport: z.literal('sqlite', 'can only be sqlite in this version').default('sqlite'),
  http: http.prefault({}),
  logLevel: spoolFields.logLevel.default('info'),
  platforms: z.array(platform).min(1, `names no platform: ${USE_PLATFORM}`).default(['local']),
  provider: providerSchema.optional().describe('For agents that name none.'),
  fallbacks: z.array(providerSchema).default([]).describe('For agents that name none.'),
  providers: z.partialRecord(providerSchema, provider).default({}),
  agents: agentsSection.optional(),
  bindings: bindingsSection.optional().describe('The same as routing.bindings.'),
  broadcast: broadcastSection.optional().describe('The same as routing.broadcast.'),
  routing: routingSection.prefault({}),
  maxConcurrentTurns: whole('turns', 1, 1000).default(32).describe('Of all agents of this process together.'),
  security: security.prefault({}),
  admins: z.array(text).default([]).describe('Who may give commands in a chat.'),
  leaseSeconds: spoolFields.leaseSeconds.default(60),
  ttlHours: spoolFields.ttlHours.default(DEFAULT_TTL_MS / 3_600_000),
  budget: budget.prefault({}),
  discussion: discussion.prefault({}),
  hub: hub.prefault({}).describe('The Agent Hub that the agents join.'),
  peers: z.array(peerNumber).default([]).describe('Phone numbers of other agents, who are greeted at the start.'),
  messages: messages.prefault({}).describe('What chats of all agents have in common.'),
  whatsapp: whatsAppSection.prefault({}),
  taskTimeoutMs: whole('milliseconds', 1000, DAY_MS)
    .default(600_000)
    .describe('How long an agent has for a task from !agents send or !team.'),
  history: history.prefault({}),
  httpAgents: httpAgents.prefault({}),
});
export type Settings = z.output<typeof settingsSchema>;

/** The JSON Schema of `parley.json5`, for editors. */
export function settingsJsonSchema(): object {
  return { title: 'parley.json5', ...z.toJSONSchema(settingsSchema, { io: 'input' }) };
}
