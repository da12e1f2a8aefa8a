import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { CommandLine } from './parley.ts';

const SQLITE_SHELL = 'sqlite3';

/** What `sqlite3 <file> <query>` prints, also where there is no such program. */
function sqlite3(file: string, query: string): string {
  try {
    return execFileSync(SQLITE_SHELL, [file, query], { encoding: 'utf8' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    const db = new Sqlite(file, { readonly: true });
    const rows = db.prepare<[], unknown[]>(query).raw().all();
    db.close();
    return rows.map((row) => `${row.join('|')}\n`).join('');
  }
}

/** A terminal, in which lines of the guide are typed as they stand there, with `parley` for `python -m agent_comm`. */
class Terminal extends CommandLine {
  /** Runs a line that has to succeed; all that it printed. */
  async type(line: string): Promise<string> {
    const { code, stdout, stderr } = await this.shell(line.replaceAll('python -m agent_comm', 'parley'));
    expect(code, `${line}\n${stderr}`).toBe(0);
    return stdout + stderr;
  }
}

const idIn = (output: string): string => /^\s*(?:Sent|ID): (\S+)$/m.exec(output)?.[1] ?? '';
const conversationIn = (output: string): string => /^\s*Conversation: (\S+)$/m.exec(output)?.[1] ?? '';

describe("the implementation guide's commands, in a terminal", () => {
  it('[CLI-01] Getting Started: verify the installation, and the quick test', async () => {
    using terminal = new Terminal();
    const help = await terminal.type('python -m agent_comm --help');
    for (const command of ['register', 'send', 'poll', 'ack', 'nack', 'status', 'agents', 'stats', 'cleanup'])
      expect(help).toMatch(new RegExp(`^  ${command} `, 'm'));

    await terminal.type('python -m agent_comm register agent-a -c "send,receive" -d local');
    await terminal.type('python -m agent_comm register agent-b -c "send,receive" -d local');
    const sent = idIn(await terminal.type('python -m agent_comm send agent-a agent-b "Hello from A!" -s "Greeting"'));
    expect(sent).not.toBe('');

    const polled = await terminal.type('python -m agent_comm poll agent-b');
    expect(polled).toContain('Found 1 message(s) for agent-b:');
    expect(polled).toMatch(
      new RegExp(`ID: ${sent}\n  From: agent-a\n(?:.*\n)*?  Subject: Greeting\n  Body: Hello from A!\n`),
    );
    expect(await terminal.type(`python -m agent_comm ack ${sent} agent-b`)).toContain(`Acknowledged: ${sent}`);
    expect(await terminal.type('python -m agent_comm poll agent-b')).toBe('No messages for agent-b.\n');
  });

  it('[CLI-01] [DSC-03] Agent Registration: register, list, discover by capability', async () => {
    using terminal = new Terminal();
    await terminal.type('python -m agent_comm register agent-a -c "code,review" -d workstation');
    await terminal.type(
      'python -m agent_comm register agent-b -c "research,summarize" -d server --transport-type sqlite',
    );
    await terminal.type(
      'python -m agent_comm register agent-c -c "approve" -d remote --transport-type http --relay-url http://remote-host:8420',
    );
    expect(await terminal.type('python -m agent_comm agents')).toBe(
      `Registered agents (3):
  agent-a [active] caps=['code', 'review'] device=workstation transport=sqlite
  agent-b [active] caps=['research', 'summarize'] device=server transport=sqlite
  agent-c [active] caps=['approve'] device=remote transport=http
`,
    );
    expect(await terminal.type('python -m agent_comm agents --capability research')).toContain('Registered agents (1)');
    // Deployment Patterns: an agent elsewhere is registered by its relay alone.
    await terminal.type(
      'python -m agent_comm register agent-d --transport-type http --relay-url http://machine-b:8420',
    );
    expect(await terminal.type('parley deregister agent-d')).toBe('Deregistered: agent-d\n');
    expect(await terminal.type('python -m agent_comm agents')).toContain('Registered agents (3)');
  });

  it('[CLI-01] Sending, Receiving and Acknowledgment: priorities, poll, ack, nack', async () => {
    using terminal = new Terminal();
    await terminal.register('architect', 'builder', 'reviewer');
    const task = idIn(
      await terminal.type(`python -m agent_comm send architect builder \\
  "Please implement user authentication with JWT tokens. Requirements: ..." \\
  -s "Task: Auth Module"`),
    );
    for (const level of ['critical', 'high', 'normal', 'low'])
      await terminal.type(`python -m agent_comm send reviewer builder "${level}" -s "${level}" --priority ${level}`);

    const polled = await terminal.type('python -m agent_comm poll builder');
    expect(polled).toContain('Found 5 message(s) for builder:');
    expect([...polled.matchAll(/^ {2}Subject: (.*)$/gm)].map(([, subject]) => subject)).toEqual([
      'critical',
      'high',
      'Task: Auth Module',
      'normal',
      'low',
    ]);
    await terminal.type(`python -m agent_comm nack ${task} builder --reason "Error details..."`);
    const again = await terminal.type(`parley status ${task}`);
    expect(again).toMatch(/builder \[queued\].*attempt 1 of 3: Error details/);
  });

  it('[CLI-01] [CNV-02] Conversation Threading: reply, list, search within a conversation', async () => {
    using terminal = new Terminal();
    await terminal.register('architect', 'builder');
    const first = await terminal.type('parley send architect builder "Please build the login." -s "Login"');
    await terminal.type(`parley send builder architect "Task complete. PR #456 ready for review." -s "Re: Login" \\
  --reply-to ${idIn(first)}`);
    const conversation = conversationIn(first);
    const list = await terminal.type('python -m agent_comm conversations');
    expect(list).toMatch(new RegExp(`${conversation} 2 message\\(s\\) between architect, builder`));
    const thread = await terminal.type(`python -m agent_comm search --conversation ${conversation}`);
    expect(thread).toMatch(/Please build the login\.[\s\S]*PR #456/);
    expect(thread).toContain(`Reply to: ${idIn(first)}`);
    const found = await terminal.type(`parley search "ready for review" --conversation ${conversation}`);
    expect(found).toContain('Found 1 message(s):');
  });

  it('[SPL-07] [SPL-08] Monitoring: statistics, verbose logging, integrity', async () => {
    using terminal = new Terminal();
    await terminal.register('my-agent', 'other');
    await terminal.type('parley send other my-agent "Hello"');
    const { stdout } = await terminal.shell('parley stats');
    expect(JSON.parse(stdout)).toMatchObject({
      total_messages: 1,
      deliveries: { queued: 1, leased: 0, acked: 0, failed: 0 },
      agents: { active: 2, inactive: 0 },
    });
    const verified = await terminal.type('python -m agent_comm stats --verify');
    expect(verified).toContain('The database is sound.');
    expect(verified).toMatch(/queued_count: 1 .*100/);
    const verbose = await terminal.shell('export AGENT_COMM_LOG_LEVEL=DEBUG\nparley poll my-agent');
    expect(verbose.stderr).toMatch(/debug: sqlite transport, database \S+coordination\.db/);
  });

  it('[SPL-07] [CLI-01] Troubleshooting: the errors, a stuck lease, the diagnostic commands', async () => {
    using terminal = new Terminal();
    await terminal.register('agent-a', 'agent-b');
    const unknown = await terminal.shell('parley poll my-agent');
    expect(unknown.code).toBe(65);
    expect(unknown.stderr).toMatch(/^Error: Agent 'my-agent' is not registered\.\nHint: .*parley register my-agent/);

    const id = idIn(await terminal.type('parley send agent-a agent-b "Hello"'));
    await terminal.type('parley poll agent-b');
    await terminal.type(`python -m agent_comm nack ${id} agent-b --reason "Manual reset"`);
    expect(await terminal.type('python -m agent_comm agents')).toContain('Registered agents (2)');
    expect(await terminal.type(`python -m agent_comm status ${id}`)).toContain('Manual reset');
    expect(
      sqlite3(join(terminal.folder, 'data/coordination.db'), 'SELECT id, from_agent, to_agent, status FROM messages'),
    ).toBe(`${id}|agent-a|agent-b|queued\n`);
    expect(await terminal.type('python -m agent_comm cleanup --dry-run')).toContain('Would mark 0');
  });
});
