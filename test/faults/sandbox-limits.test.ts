import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { descendants, going, NODE, programRunning, requireSandbox, TestWorkspace } from '../support/sandbox.ts';

/** In seconds; no other process sleeps as long. */
const LONG = 100_000 + process.pid;

beforeEach(requireSandbox);

describe('the limits of a command', () => {
  it('[TOL-02] a command that sleeps is stopped with all that it has started', async () => {
    using workspace = await TestWorkspace.open('all', { seconds: 0.5 });
    const { stopped, out, exitCode } = await workspace.bash(
      `echo begun; sleep ${LONG} & (setsid sleep ${LONG} &) ; sleep ${LONG}`,
    );
    expect({ stopped, out, exitCode }).toEqual({ stopped: 'time', out: 'begun\n', exitCode: null });
    await expect.poll(left).toEqual([]);
  });

  it('[TOL-02] what a command leaves behind ends with it', async () => {
    using workspace = await TestWorkspace.open('all');
    const { exitCode } = await workspace.bash(
      `trap "" HUP TERM; (setsid nohup sleep ${LONG} < /dev/null > /dev/null 2>&1 &); sleep ${LONG} < /dev/null > /dev/null 2>&1 & disown; exit 3`,
    );
    expect(exitCode).toBe(3);
    await expect.poll(left).toEqual([]);
  });

  it('[TOL-02] a command ends with Parley, even when that is killed', async () => {
    using workspace = await TestWorkspace.open('all');
    const program = programRunning(workspace, `echo > begun; (setsid sleep ${LONG} &); sleep ${LONG}`);
    const parley = spawn(NODE, ['--input-type=module', '-e', program], { stdio: 'ignore' });
    await expect.poll(() => existsSync(join(workspace.folder, 'begun')), { timeout: 10_000 }).toBe(true);
    await expect.poll(() => sleeping().length).toBe(2);
    parley.kill('SIGKILL');
    await expect.poll(left).toEqual([]);
  });

  it('[TOL-02] a command that is given up is ended', async () => {
    using workspace = await TestWorkspace.open('all');
    const stop = new AbortController();
    const running = workspace.bash(`echo $$ > begun; sleep ${LONG}`, { signal: stop.signal });
    await expect.poll(() => existsSync(join(workspace.folder, 'begun'))).toBe(true);
    stop.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    await expect.poll(left).toEqual([]);
    await expect(workspace.bash('true', { signal: stop.signal })).rejects.toThrow('enough');
  });

  it.each([
    ['of a shell', ':() { : | : & wait; }; :'],
    ['that goes on whatever happens', "perl -e 'while (1) { fork }'"],
    ['that leaves its parents', `perl -e 'while (1) { fork and exit }' & exec sleep ${LONG}`],
  ])('[TOL-02] a fork bomb %s has as many processes as it may, and then none', async (_what, bomb) => {
    using workspace = await TestWorkspace.open('all', { seconds: 2, processes: 24 });
    let most = 0;
    const looking = setInterval(() => {
      most = Math.max(most, descendants().length);
    }, 20);
    await workspace.bash(bomb);
    clearInterval(looking);
    // With the two of bubblewrap itself.
    expect(most).toBeLessThanOrEqual(26);
    expect(most).toBeGreaterThan(2);
    await expect.poll(left).toEqual([]);
  });

  it('[TOL-02] the limit of processes is reached, and not passed', async () => {
    using workspace = await TestWorkspace.open('all', { processes: 24 });
    const { out } = await workspace.bash(
      `perl -e 'for $n (1 .. 100) { $child = fork; if (!defined $child) { print $n; exit } $child or sleep ${LONG} }'`,
    );
    expect(Number(out)).toBeGreaterThan(15);
    expect(Number(out)).toBeLessThanOrEqual(24);
  });

  it('[TOL-02] a program gets no more memory than it may', async () => {
    using workspace = await TestWorkspace.open('all', { memoryMb: 128 });
    const fits = await workspace.bash(`perl -e '$x = "a"; $x x= 50_000_000; print length $x'`);
    expect(fits.out).toBe('50000000');
    const grows = await workspace.bash(`perl -e '$n = 200_000_000; $x = "a" x $n; print length $x; sleep ${LONG}'`);
    expect(grows).toMatchObject({ stopped: 'memory', exitCode: null });
    const reserves = await workspace.bash(`perl -e '$n = 6_000_000_000; $x = "a" x $n; print length $x'`);
    expect(reserves.exitCode).not.toBe(0);
    expect(reserves.out).toBe('');
    await expect.poll(left).toEqual([]);
  });

  it('[TOL-02] a program may reserve more memory than it uses, as Node does', async () => {
    using workspace = await TestWorkspace.open('all', { memoryMb: 256 });
    copyFileSync(NODE, join(workspace.folder, 'node'));
    const { out } = await workspace.bash('./node -p "6 * 7" 2>&1');
    expect(out.trim()).toBe('42');
  });

  it('[TOL-02] many programs together get no more memory than one', async () => {
    using workspace = await TestWorkspace.open('all', { memoryMb: 128, seconds: 20 });
    const { stopped } = await workspace.bash(
      `for n in 1 2 3 4 5 6; do perl -e '$n = 50_000_000; $x = "a" x $n; sleep ${LONG}' & done; wait`,
    );
    expect(stopped).toBe('memory');
    await expect.poll(left).toEqual([]);
  });

  it.each([
    ['/tmp', 64],
    ['/dev/shm', 16],
  ])('[TOL-02] memory is not filled by way of %s', async (place, mib) => {
    using workspace = await TestWorkspace.open('all', { memoryMb: 64 });
    const { out } = await workspace.bash(
      `for n in 1 2 3; do head -c 100M /dev/zero > ${place}/$n; done 2> errors; du -sm ${place} | cut -f1; cat errors`,
    );
    expect(Number.parseInt(out, 10)).toBeLessThanOrEqual(mib);
    expect(out).toContain('No space left');
  });

  it.each([
    ['on one stream', 'yes'],
    ['in one piece', 'head -c 1G /dev/zero'],
    ['on both', 'yes & yes >&2'],
    ['on many', 'for n in {1..10}; do yes & done; wait'],
  ])('[TOL-02] a command that writes without end %s is stopped', async (_what, script) => {
    using workspace = await TestWorkspace.open('all', { outputKb: 64 });
    const { stopped, out, errors } = await workspace.bash(script);
    expect(stopped).toBe('output');
    expect(out.length + errors.length).toBe(64 * 1024);
  });

  it('[TOL-02] what is just as long as it may be is whole', async () => {
    using workspace = await TestWorkspace.open('all', { outputKb: 64 });
    const { stopped, out } = await workspace.bash('head -c 64K /dev/zero');
    expect({ stopped, bytes: out.length }).toEqual({ stopped: null, bytes: 64 * 1024 });
  });

  it('[TOL-02] no file grows without end', async () => {
    using workspace = await TestWorkspace.open('all');
    const { exitCode } = await workspace.bash(
      'perl -e \'open F, ">", "f"; seek F, 300 << 20, 0; print F "x" and close F or exit 7\'',
    );
    expect(exitCode).not.toBe(0);
    expect(statSync(join(workspace.folder, 'f')).size).toBe(0);
  });

  it('[TOL-02] a file that never ends, or never begins, holds nothing up', async () => {
    using workspace = await TestWorkspace.open('all', { seconds: 1 });
    await workspace.bash('mkfifo pipe; ln -s /dev/zero endless; ln -s /dev/tty terminal');
    for (const path of ['pipe', 'endless', 'terminal'])
      expect(await workspace.files.read(path, going())).toMatchObject({ ok: false });
    const found = await workspace.files.search('.', { text: 'x', regex: false }, going());
    expect(found).toEqual({ ok: true, value: { items: [], cut: false } });
    await workspace.files.write('pipe', 'a file now', going());
    expect(await workspace.files.read('pipe', going())).toEqual({ ok: true, value: 'a file now' });
  });
});

/** What is left of the commands of a test: below this process, and below none. */
const left = (): unknown[] => [...descendants(), ...sleeping()];

/** The processes of the host that sleep as long as only these tests have them sleep. */
function sleeping(): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').endsWith(`sleep\0${LONG}\0`);
    } catch {
      return false;
    }
  });
}
