import type { AgentId } from '../domain/addresses.ts';
import { describeWaiting } from './approval-words.ts';
import type { AgentContext } from './context.ts';
import { rosterOf } from './prompt.ts';

/** What a command has somebody do: a task for other agents, or a decision. */
export type Order =
  | { readonly kind: 'send'; readonly agent: string; readonly task: string }
  | { readonly kind: 'all' | 'team'; readonly task: string }
  | Verdict;

/** A decision on a request for approval. */
export interface Verdict {
  readonly kind: 'decide';
  readonly number: number;
  readonly status: 'approved' | 'rejected';
  readonly why: string | null;
}

interface ChatCommand {
  /** What follows the name of the command, for the list. */
  readonly usage?: string;
  readonly help: string;
  /** What is answered, or what is to be done. `rest`: what was written after the name of the command. */
  run(context: AgentContext, rest: string): string | Order;
}

const AGENTS_USAGE = 'Write !agents, !agents send <name> <task>, or !agents all <task>.';

const COMMANDS: Readonly<Record<string, ChatCommand>> = {
  agents: {
    usage: '[send <name> <task> | all <task>]',
    help: 'the agents that I know, and how they are; or a task for one of them, or for all',
    run: (context, rest) => {
      const [, word = '', after = ''] = /^(\S*)\s*(.*)$/s.exec(rest) ?? [];
      switch (word.toLowerCase()) {
        case '':
        case 'status':
          return describeAgents(context);
        case 'all':
          return after === '' ? AGENTS_USAGE : { kind: 'all', task: after };
        case 'send': {
          const { agent, task } = addressed(after);
          return agent === '' || task === '' ? AGENTS_USAGE : { kind: 'send', agent, task };
        }
        default:
          return `${describeAgents(context)}\n${AGENTS_USAGE}`;
      }
    },
  },
  team: {
    usage: '<task>',
    help: 'a task for the agents together: I plan it, share it out, and tell you the results',
    run: (_context, task) => (task === '' ? 'Write !team and then the task.' : { kind: 'team', task }),
  },
  approvals: {
    help: 'what waits for approval',
    run: ({ approvals, directory, clock }) => {
      const waiting = approvals.list('waiting');
      const nameOf = (id: AgentId): string => directory.get(id)?.name ?? id;
      return waiting.length > 0
        ? waiting.map((approval) => describeWaiting(approval, nameOf(approval.agent), clock.now())).join('\n')
        : 'Nothing waits for approval.';
    },
  },
  approve: {
    usage: '<number>',
    help: 'let an agent do what it has asked for',
    run: (_context, rest) => {
      const { number, after } = numbered(rest);
      // More than a number may be another one: then it is not clear what is meant.
      return number === null || after !== ''
        ? 'Write !approve and then the number of one request. !approvals lists them.'
        : { kind: 'decide', number, status: 'approved', why: null };
    },
  },
  reject: {
    usage: '<number> [why]',
    help: 'do not let it; it is told why',
    run: (_context, rest) => {
      const { number, after } = numbered(rest);
      return number === null
        ? 'Write !reject, the number of a request, and why if you like. !approvals lists them.'
        : { kind: 'decide', number, status: 'rejected', why: after === '' ? null : after };
    },
  },
  groups: {
    help: 'the groups that I am in',
    run: ({ groups, card }) => {
      const lines = groups
        .list(card.id)
        .map((group) => `${rosterOf(group)}${group.host === card.id ? ', led by me' : ''}`);
      return lines.length > 0 ? lines.join('\n') : 'I am in no groups.';
    },
  },
  status: {
    help: 'who I am, and how my providers are',
    run: ({ card, chain, directory }) =>
      [
        `${card.name} (${card.id}), ${directory.list({ status: 'active' }).length} agents active`,
        ...chain
          .state()
          .map(
            ({ provider, modelId, breaker, lastFailure }) =>
              `${provider} ${modelId}: ${breaker === 'closed' ? 'ready' : breaker}${lastFailure ? `, last failed: ${lastFailure.kind}` : ''}`,
          ),
      ].join('\n'),
  },
  help: {
    help: 'this list',
    run: () =>
      Object.entries(COMMANDS)
        .map(([name, { usage, help }]) => `!${[name, usage].filter(Boolean).join(' ')}: ${help}`)
        .join('\n'),
  },
};

function describeAgents({ directory, links }: AgentContext): string {
  const lines = directory.list().map(({ name, id, status, transport, capabilities, provider }) => {
    const where = transport === 'sqlite' ? '' : `, by ${transport}`;
    const skills = capabilities.length > 0 ? `: ${capabilities.join(', ')}` : '';
    return `${name} (${id}) ${status}, ${provider ?? 'no provider'}${where}${skills}`;
  });
  return [...(lines.length > 0 ? lines : ['I know no agents.']), ...links()].join('\n');
}

/** `Nova what to do`, or `"Nova Prime" what to do`. */
function addressed(text: string): { agent: string; task: string } {
  const [, quoted, bare, task = ''] = /^(?:"([^"]*)"|(\S*))[\s:,]*(.*)$/s.exec(text) ?? [];
  return { agent: (quoted ?? bare ?? '').replace(/[:,]+$/, ''), task: task.trim() };
}

/** `7 because of this`, or `#7`. */
function numbered(text: string): { number: number | null; after: string } {
  const [, number, after = ''] = /^#?(\d{1,9})(?!\S)\s*(.*)$/s.exec(text) ?? [];
  return { number: number === undefined ? null : Number(number), after };
}

/** A word after an exclamation mark; `!!!` and `! stop` are only loud. */
const COMMAND = /^!([a-z][a-z-]*)(?:\s+(.*))?$/is;

/** What a command answers, or is to be done; null when the text is not a command. */
export function chatCommand(text: string): ((context: AgentContext) => string | Order) | null {
  const [, word, rest = ''] = COMMAND.exec(text.trim()) ?? [];
  if (word === undefined) return null;
  const name = word.toLowerCase();
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  return command
    ? (context) => command.run(context, rest.trim())
    : () => `There is no command !${name}. !help lists them.`;
}
