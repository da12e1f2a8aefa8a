import type { ChatIn } from '../domain/chat.ts';
import type { AgentContext } from './context.ts';
import { rosterOf } from './prompt.ts';

interface ChatCommand {
  readonly help: string;
  run(context: AgentContext): string;
}

const COMMANDS: Readonly<Record<string, ChatCommand>> = {
  agents: {
    help: 'the agents that I know, and how they are',
    run: ({ directory }) => {
      const lines = directory
        .list()
        .map(
          ({ name, id, status, capabilities, provider }) =>
            `${name} (${id}) ${status}, ${provider ?? 'no provider'}${capabilities.length > 0 ? `: ${capabilities.join(', ')}` : ''}`,
        );
      return lines.length > 0 ? lines.join('\n') : 'I know no agents.';
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
        .map(([name, { help }]) => `!${name}: ${help}`)
        .join('\n'),
  },
};

/** A word after an exclamation mark; `!!!` and `! stop` are only loud. */
const COMMAND = /^!([a-z][a-z-]*)(?:\s|$)/i;

/** What a command answers; null when the text is not a command. */
export function chatCommand(chat: ChatIn): ((context: AgentContext) => string) | null {
  const word = COMMAND.exec(chat.text.trim())?.[1]?.toLowerCase();
  if (word === undefined) return null;
  const command = Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : undefined;
  return command ? command.run : () => `There is no command !${word}. !help lists them.`;
}
