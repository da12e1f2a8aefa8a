import { z } from 'zod';
import { TOOL_GROUPS, unknownTools } from '../../agents/toolbox/tool-policy.ts';
import { PROVIDER_IDS } from '../../providers/catalogue.ts';
import { SANDBOX_MODES, SANDBOX_SCOPES } from './config.ts';
import { agentIdField, mentionPatterns, oneOf, PHONE_RULE, text, whole } from './fields.ts';

/** A provider's id, as in `AI_PROVIDER`. */
export const providerSchema = oneOf('provider', PROVIDER_IDS);

const HOST = /^(?:\*|(?:\*\.)?[a-z\d](?:[a-z\d.-]*[a-z\d])?)(?::(?:\*|[1-9]\d{0,4}))?$/i;
const HOST_RULE =
  'must be the name of a host such as api.example.org or *.example.org, perhaps with a port, without https://';

const limits = z.strictObject({
  seconds: whole('seconds', 1, 3600).default(60),
  memoryMb: whole('MiB', 16, 65_536).default(512),
  processes: whole('processes', 1, 4096).default(64),
  outputKb: whole('KiB', 1, 10_240).default(256),
});

const sandbox = z.strictObject({
  mode: oneOf('mode', SANDBOX_MODES).default('off').describe('all: every tool for files and commands runs inside.'),
  scope: oneOf('scope', SANDBOX_SCOPES).default('agent').describe('shared: one for all agents of this scope.'),
  workspaceRoot: text.optional().describe('Where the workspaces of agents that name none are.'),
  network: z
    .array(text.regex(HOST, HOST_RULE))
    .default([])
    .describe('Hosts that http_fetch and commands may ask; * is any.'),
  limits: limits.prefault({}).describe('Of one call of a tool.'),
});

/** The name is quoted only when it is near to one of ours: what somebody put here by mistake may be a secret. */
const toolName = text.superRefine((name, { addIssue }) => {
  for (const { suggestion } of unknownTools([name])) {
    const meant = suggestion === null ? '' : `: "${name}"; did you mean "${suggestion}"?`;
    addIssue(`is not a known tool${meant || '.'} The groups of tools are ${Object.keys(TOOL_GROUPS).join(', ')}`);
  }
});

const tools = z.strictObject({
  allow: z.array(toolName).optional().describe('Tools, or groups of them such as fs. Default: messages and groups.'),
  deny: z.array(toolName).default([]).describe('Goes before allow.'),
  approve: z.array(toolName).default([]).describe('Those that a person has to agree to, each time.'),
  approvalMinutes: whole('minutes', 1, 7 * 24 * 60)
    .default(60)
    .describe('How long they have for it.'),
});

const agentEntry = z.strictObject({
  name: text.max(100, 'must have at most 100 characters').optional().describe('What people call it. Default: its id.'),
  persona: text.optional().describe('What the model is told about who it is.'),
  prompt: text.optional().describe('The same as persona.'),
  provider: providerSchema.optional().describe('Default: AI_PROVIDER.'),
  model: text.optional().describe('Of its first provider. Fallbacks have their own.'),
  fallbacks: z
    .array(providerSchema)
    .optional()
    .describe('Tried in order when the provider fails. Default: AI_FALLBACK_PROVIDERS.'),
  phone: text.regex(/^\+?[\d ()-]{3,30}$/, PHONE_RULE).optional(),
  capabilities: z.array(text).default([]),
  workspace: text
    .optional()
    .describe('Its folder, from the project root or from ~. IDENTITY.md and SOUL.md are read there.'),
  sandbox: sandbox.prefault({}),
  tools: tools.prefault({}),
  mentionPatterns: mentionPatterns.optional(),
  groupChat: z
    .strictObject({ mentionPatterns: mentionPatterns.optional() })
    .prefault({})
    .describe('The same as mentionPatterns.'),
  concurrency: whole('conversations', 1, 100).default(4).describe('How many conversations it has at the same time.'),
});
const listedAgent = agentEntry.extend({ id: agentIdField });
const NOBODY = 'must name at least one agent';
export const agentList = z.array(listedAgent).min(1, NOBODY);
export type AgentSettings = z.output<typeof listedAgent>;

/** Agents, as a list, a list in an object, or a map by id. */
export const agentsSection = z
  .union([
    agentList,
    z.strictObject({ list: agentList }),
    z.record(agentIdField, agentEntry).meta({ minProperties: 1 }),
  ])
  // Not of the record itself: then what is wrong would seem to be the list that is not there.
  .refine((agents) => Array.isArray(agents) || Object.keys(agents).length > 0, NOBODY)
  .meta({ id: 'agents' });
