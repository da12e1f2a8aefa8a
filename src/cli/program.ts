import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { defineApprovalCommands } from './define/approvals.ts';
import { defineMailboxCommands } from './define/mailboxes.ts';
import { defineOverviewCommands } from './define/overview.ts';
import { defineRelayCommands } from './define/relay.ts';
import { defineRunningCommands } from './define/running.ts';
import { defineSetupCommands } from './define/setup.ts';

const packageFile = new URL('../../package.json', import.meta.url);

/** Every exit code, from sysexits.h. */
const EXIT_CODES = `
Exit codes:
  0   done; also when there was nothing to do, such as no message to poll
  1   the demo did not come about, doctor found a problem, or route nobody who answers
  64  wrong usage: the command or an option does not exist, or takes something else
  65  wrong data: an unknown agent or message, a message that breaks a rule, a corrupt database
  69  unavailable: a port is taken, or what is needed does not run
  70  a fault in Parley
  73  the database cannot be created or written
  74  reading or writing failed, or the disk is full
  75  not now: somebody else holds the lease; try again later
  78  the configuration is wrong
  130 ended by Ctrl-C before it was done`;

const EXAMPLES = `
Examples:
  parley register agent-a -c send,receive -d local
  parley register agent-b -c send,receive -d local
  parley send agent-a agent-b "Hello from A!" -s Greeting
  parley poll agent-b
  parley ack <message-id> agent-b`;

/** The whole command line. Only its shape: what a command does is loaded when it is called. */
export function program(): Command {
  const parley = new Command('parley')
    .description('AI agents that talk to each other and to people.')
    .version(version())
    .enablePositionalOptions()
    .exitOverride()
    // What went wrong is told by main, for people or for programs.
    .configureOutput({ outputError: () => undefined })
    .addHelpText('after', `${EXAMPLES}\n${EXIT_CODES}`);

  defineRunningCommands(parley.commandsGroup('Agents and people:'));
  defineApprovalCommands(parley);
  defineMailboxCommands(parley.commandsGroup('Messages:'));
  defineRelayCommands(parley.commandsGroup('Other machines:'));
  defineOverviewCommands(parley.commandsGroup('Looking and mending:'));
  defineSetupCommands(parley.commandsGroup('Setup:'));

  for (const option of sharedOptions()) parley.addOption(option);
  for (const command of leavesOf(parley)) for (const option of sharedOptions()) command.addOption(option);
  // What stands before the command counts too; after it, it counts more.
  parley.hook('preAction', (_parley, action) => {
    for (const [name, value] of Object.entries(parley.opts())) {
      if (action.getOptionValue(name) === undefined) action.setOptionValueWithSource(name, value, 'cli');
    }
  });
  return parley;
}

/** The commands that do something, and not only have others below them. */
export function leavesOf(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);
}

function sharedOptions(): Option[] {
  return [
    new Option('--db <path>', 'database (default: AGENT_COMM_DB_PATH, or data/coordination.db)'),
    new Option('--project-root <path>', 'folder of parley.json5 and data/ (default: AGENT_COMM_PROJECT_ROOT, or here)'),
    new Option('--transport <name>', 'how messages travel (default: AGENT_COMM_TRANSPORT, or sqlite)').choices([
      'sqlite',
      'file',
    ]),
    new Option('--json', 'write JSON, for programs'),
  ].map((option) => option.helpGroup('Everywhere:'));
}

function version(): string {
  const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string };
  return version;
}
