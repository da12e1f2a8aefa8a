import { describe, expect, it } from 'vitest';
import { CommandLine } from './parley.ts';

describe('parley start', () => {
  it('[SPL-08] [OBS-01] serves /metrics of the spool that the command line works on', async () => {
    using line = new CommandLine();
    const daemon = line.start(['start', '--port', '0', '--db', 'shared.db', '--json']);
    const { url } = JSON.parse((await daemon.until('stdout', /^\{"event":"running".*\}$/m))[0]);
    await line.parley('register', 'agent-a', '-c', 'send', '-d', 'local', '--db', 'shared.db');
    await line.parley('send', 'agent-a', 'agent-a', 'A note', '--db', 'shared.db');
    const text = await (await fetch(new URL('metrics', url))).text();
    // Theirs may be on the way too.
    expect(text).toMatch(/^parley_deliveries\{status="queued"\} [1-9]/m);
    // Atlas, Nova and Bolt, and the one from here.
    expect(text).toContain('parley_agents{status="active"} 4\n');

    daemon.signal('SIGTERM');
    const { code, stdout } = await daemon.ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(/\{"event":"stopping"\}\n$/);
  });
});
