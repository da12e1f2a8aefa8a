import { z } from 'zod';
import { agentsSection } from './agent-settings.ts';
import { GROUP_ACTIVATIONS, PANEL_STRATEGIES, PLATFORMS } from './config.ts';
import { agentIdField, agentIdIn, oneOf, text, whole } from './fields.ts';

const agentIds = z.array(agentIdField);
const strategy = oneOf('strategy', PANEL_STRATEGIES);

const MOST_AGENTS = 1000;
/** The agents of one panel, unless it says otherwise. */
export const DEFAULT_MAX_AGENTS = 10;

const member = z.union([
  agentIdField,
  z.strictObject({
    id: agentIdField,
    priority: whole('', -100, 100).default(0).describe('A higher one answers before a lower one.'),
  }),
]);

const selection = z.strictObject({
  rules: z
    .array(
      z.strictObject({
        words: z.array(text).min(1, 'must name at least one word').describe('One of them in the message is enough.'),
        agents: agentIds.min(1, 'must name at least one agent'),
      }),
    )
    .optional(),
  otherwise: agentIds.optional().describe('Who answers when no rule fits. Default: all.'),
  by: agentIdField.optional().describe('The agent whose model chooses, instead of rules.'),
});

const panel = z.strictObject({
  agents: z.array(member),
  strategy: strategy.optional().describe('Default: that of all panels.'),
  shared: z
    .union([z.literal(true, 'must be true, or { rounds: … }'), z.strictObject({ rounds: whole('rounds', 1, 20) })])
    .optional()
    .describe('They hear each other, in rounds. true: as many as discussion.rounds.'),
  judge: z
    .union([oneOf('judge', ['merge', 'first']), z.strictObject({ quorum: whole('agents', 1, MOST_AGENTS) })])
    .optional()
    .describe('How they come to one answer.'),
  select: selection.optional().describe('Who of them answers a message. Default: all.'),
  maxAgents: whole('agents', 1, MOST_AGENTS).default(DEFAULT_MAX_AGENTS),
  activation: oneOf('activation', GROUP_ACTIVATIONS).optional().describe('Default: whatsapp.groupActivation.'),
});

/** Panels by peer: the id or name of a group, or the number of a person. */
export const broadcastSection = z
  .object({ strategy: strategy.default('parallel').describe('Of panels that name none.') })
  .catchall(z.union([z.array(member), panel]))
  .meta({ id: 'broadcast' });
/** A panel as it is written. */
export type PanelSettings = z.output<typeof panel>;

const binding = z.strictObject({
  agentId: agentIdIn(z.string('must be the id of an agent')),
  match: z
    .strictObject({
      channel: oneOf('channel', PLATFORMS).optional(),
      accountId: agentIdField.optional().describe('The agent whose number it is.'),
      account: agentIdField.optional().describe('The same as accountId.'),
      peer: z.strictObject({ kind: oneOf('kind of peer', ['dm', 'group']).optional(), id: text }).optional(),
      group: text.optional().describe('The id or name of a group.'),
    })
    .prefault({})
    .describe('Where it holds; what is not named does not matter.'),
});

export const bindingsSection = z.array(binding).meta({ id: 'bindings' });

/** Who answers whom. */
export const routingSection = z.strictObject({
  bindings: bindingsSection.optional().describe('One agent for certain chats.'),
  broadcast: broadcastSection.optional().describe('Several agents on one peer.'),
  agents: agentsSection.optional().describe('The same as agents.'),
  defaultAgentId: agentIdField.optional().describe('Who answers where nothing else fits.'),
  accounts: agentIds
    .min(1, 'names nobody; leave it out for the default agent')
    .optional()
    .describe(
      'The agents that have a number, or a contact on the chat page. Default, with routing: the default agent.',
    ),
  ackReaction: z
    .string('must be an emoji, or empty for none')
    .trim()
    .refine(
      (mark) => /^(?:\p{RGI_Emoji}|\p{Extended_Pictographic})?$/v.test(mark),
      'must be one emoji, or empty for none',
    )
    .default('👀')
    .describe('The first agent of a panel puts it to what is said in a group.'),
});
