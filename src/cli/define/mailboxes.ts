import { type Command, Option } from 'commander';
import { duration, json, list, positive, time, whole } from '../arguments.ts';
import type { ConversationsOptions } from '../conversations.ts';
import type { ListOptions, RedriveOptions } from '../dead-letters.ts';
import type { SpoolOptions } from '../options.ts';
import type { PollOptions } from '../poll.ts';
import type { RegisterOptions } from '../register.ts';
import type { SearchOptions } from '../search.ts';
import type { SendOptions } from '../send.ts';
import type { AckOptions, NackOptions } from '../settle.ts';
import { examples } from './examples.ts';

const LEASE = 'leave the messages to this poll for so long (default: AGENT_COMM_LEASE_SECONDS, or 300)';
const TOKEN = 'the token that poll --json gave: makes sure that the lease is still yours';

/** The commands that put messages into mailboxes and take them out. */
export function defineMailboxCommands(parley: Command): void {
  parley
    .command('register <name>')
    .description('Add an agent, or change what is known of it.')
    .option('-c, --capabilities <list>', 'what it can do, separated by commas', list)
    .option('-d, --device <name>', 'where it runs')
    .addOption(
      new Option('--transport-type <name>', 'how messages get to it')
        .choices(['sqlite', 'file', 'http'])
        .default('sqlite'),
    )
    .option('--relay-url <url>', 'the relay of an agent elsewhere, with --transport-type http')
    .addHelpText(
      'after',
      examples(
        'parley register builder -c code,bash,implementation -d workstation',
        'parley register remote-agent --transport-type http --relay-url http://remote-host:8420',
      ),
    )
    .action(async (name: string, options: RegisterOptions) => (await import('../register.ts')).register(name, options));

  parley
    .command('deregister <name>')
    .description('Remove an agent. What is in its mailbox stays there.')
    .addHelpText('after', examples('parley deregister builder'))
    .action(async (name: string, options: SpoolOptions) => (await import('../register.ts')).deregister(name, options));

  parley
    .command('send <from> <to> <body>')
    .description('Send a message. It is on the disk when this returns.')
    .option('-s, --subject <text>', 'what it is about, in a few words')
    .addOption(
      new Option('--priority <level>', 'how pressing it is')
        .choices(['critical', 'urgent', 'high', 'normal', 'low'])
        .default('normal'),
    )
    .option('--reply-to <id>', 'the message that it answers; its conversation goes on')
    .option('--conversation <id>', 'the conversation that it belongs to (default: a new one)')
    .option('--payload-type <type>', 'text, task_assignment, task_result, context_share, … (default: text)')
    .option('--payload-data <json>', 'the data that goes with the type', json('--payload-data'))
    .option('--ttl <hours>', 'deliver it within this time or not at all', positive('--ttl', 'hours', 8760))
    .addOption(
      new Option('--delay <duration>', 'deliver it after this time: 90s, 15m, 2h, 1d')
        .argParser(duration('--delay'))
        .conflicts('at'),
    )
    .option('--at <time>', 'deliver it at this time: 2026-11-21T09:00:00Z', time('--at'))
    .option('--id <id>', 'its id; sent again with the same one, it is not stored twice')
    .addHelpText(
      'after',
      `
<to> is an agent, or * for every active one. <body> is the text, or - to read it from standard input; put -- before a text
that begins with a hyphen.
${examples(
  'parley send architect builder "Please implement the login." -s "Task: login" --priority high',
  'parley send builder architect "Done." --reply-to <message-id>',
  'git diff | parley send builder reviewer - -s "Please review"',
  'parley send architect "*" "Deployment at noon." -s Announcement --ttl 4',
  `parley send architect builder "Nightly run" --payload-type task_assignment --payload-data '{"task": "nightly"}' --delay 2h`,
)}`,
    )
    .action(async (from: string, to: string, body: string, options: SendOptions) =>
      (await import('../send.ts')).send({ from, to, body }, options),
    );

  parley
    .command('poll <agent>')
    .description('Take messages out of a mailbox. They come back unless they are acknowledged before the lease ends.')
    .option('--limit <number>', 'at most this many', whole('--limit', 1, 1000), 10)
    .option('--lease <seconds>', LEASE, whole('--lease', 1, 86_400))
    .option('--wait', 'wait until there is one; with --json, a line for each message')
    .addHelpText(
      'after',
      examples('parley poll builder', 'parley poll builder --limit 1 --lease 600 --json', 'parley poll builder --wait'),
    )
    .action(async (agent: string, options: PollOptions) => (await import('../poll.ts')).poll(agent, options));

  parley
    .command('ack <message> <agent>')
    .description('Say that a message is done.')
    .option('--token <token>', TOKEN)
    .addHelpText('after', examples('parley ack <message-id> builder'))
    .action(async (id: string, agent: string, options: AckOptions) =>
      (await import('../settle.ts')).ack(id, agent, options),
    );

  parley
    .command('nack <message> <agent>')
    .description('Give a message back, to be delivered again. After its last attempt it becomes a dead letter.')
    .requiredOption('--reason <text>', 'why; for whoever looks into it')
    .option('--delay <duration>', 'not before this time has gone by: 90s, 15m, 2h, 1d', duration('--delay'))
    .option('--token <token>', TOKEN)
    .addHelpText(
      'after',
      examples(
        'parley nack <message-id> builder --reason "The build server is down" --delay 5m',
        'parley nack <message-id> builder --reason "Manual reset"',
      ),
    )
    .action(async (id: string, agent: string, options: NackOptions) =>
      (await import('../settle.ts')).nack(id, agent, options),
    );

  parley
    .command('status <message>')
    .description('What has become of a message, for each of its recipients.')
    .addHelpText('after', examples('parley status <message-id>'))
    .action(async (id: string, options: SpoolOptions) => (await import('../status.ts')).status(id, options));

  parley
    .command('conversations')
    .description('The conversations, newest first.')
    .option('--agent <name>', 'those that this agent takes part in')
    .option('--limit <number>', 'at most this many', whole('--limit', 1, 1000), 20)
    .addHelpText('after', examples('parley conversations', 'parley conversations --agent builder --limit 5'))
    .action(async (options: ConversationsOptions) => (await import('../conversations.ts')).conversations(options));

  parley
    .command('search [text]')
    .description('Find messages by their text, best first; or, with --conversation alone, read a conversation.')
    .option('--conversation <id>', 'only in this one')
    .option('--agent <name>', 'only messages from or to this agent')
    .option('--limit <number>', 'at most this many', whole('--limit', 1, 1000), 20)
    .addHelpText(
      'after',
      examples(
        'parley search "login token"',
        `parley search '"exact phrase"' --agent builder`,
        'parley search --conversation <conversation-id>',
      ),
    )
    .action(async (text: string | undefined, options: SearchOptions) =>
      (await import('../search.ts')).search(text, options),
    );

  defineDeadLetterCommands(parley);
}

function defineDeadLetterCommands(parley: Command): void {
  const dlq = parley
    .command('dlq')
    .description('Dead letters: messages that could not be delivered.')
    .addHelpText('after', examples('parley dlq list', 'parley dlq show <message-id>', 'parley dlq redrive --all'));

  dlq
    .command('list')
    .description('List them.')
    .option('--agent <name>', 'of this mailbox')
    .option('--reason <text>', 'whose reason has this text in it')
    .option('--older-than <hours>', 'given up longer ago than this', positive('--older-than', 'hours', 87_600))
    .addHelpText('after', examples('parley dlq list', 'parley dlq list --agent builder --reason timeout'))
    .action(async (options: ListOptions) => (await import('../dead-letters.ts')).listDeadLetters(options));

  dlq
    .command('show <message>')
    .description('Show one with its message.')
    .addHelpText('after', examples('parley dlq show <message-id>'))
    .action(async (id: string, options: SpoolOptions) =>
      (await import('../dead-letters.ts')).showDeadLetter(id, options),
    );

  dlq
    .command('redrive [message]')
    .description('Deliver them again, with all their attempts.')
    .option('--all', 'all of them')
    .option('--agent <name>', 'those of this mailbox')
    .option('--reason <text>', 'those whose reason has this text in it')
    .addHelpText(
      'after',
      examples('parley dlq redrive <message-id>', 'parley dlq redrive --agent builder', 'parley dlq redrive --all'),
    )
    .action(async (id: string | undefined, options: RedriveOptions) =>
      (await import('../dead-letters.ts')).redriveDeadLetters(id, options),
    );
}
