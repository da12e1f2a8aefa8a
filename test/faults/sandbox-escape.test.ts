import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, linkSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { openWorkspace } from '../../src/sandbox/open-workspace.ts';
import { going, NODE, programRunning, requireSandbox, TEST_LIMITS, TestWorkspace } from '../support/sandbox.ts';

const SECRET = 'parley-escape-test-secret';

/** A workspace beside a secret that every user may read and change. */
async function besideSecret(mode: 'off' | 'all' = 'all'): Promise<TestWorkspace & { readonly secret: string }> {
  const workspace = await TestWorkspace.open(mode);
  const secret = join(workspace.outside, 'secret.txt');
  writeFileSync(secret, SECRET, { mode: 0o666 });
  return Object.assign(workspace, { secret });
}

/** Everything below a folder but what is in the workspace: paths, sizes and contents. */
function outsideOf({ outside, folder }: TestWorkspace): string[] {
  const walk = (path: string): string[] =>
    path === folder
      ? []
      : statSync(path).isDirectory()
        ? [path, ...readdirSync(path).flatMap((name) => walk(join(path, name)))]
        : [`${path}: ${readFileSync(path, 'utf8')}`];
  return walk(outside);
}

beforeEach(requireSandbox);

describe('files outside of the workspace', () => {
  it('[TOL-02] are not there under their path, by `..`, or by the root of another process', async () => {
    using workspace = await besideSecret();
    const { secret } = workspace;
    const ways = [
      secret,
      `..${secret}`,
      `../../../../../..${secret}`,
      `/workspace/..${secret}`,
      `/proc/1/root${secret}`,
      `/proc/self/root${secret}`,
      `/proc/$PPID/root${secret}`,
      `/proc/1/cwd${secret}`,
      `/proc/self/fd/3/..${secret}`,
      `/proc/self/task/$$/root${secret}`,
      `/dev/fd/../../root${secret}`,
    ];
    const { out } = await workspace.bash(
      `for way in ${ways.map((way) => `"${way}"`).join(' ')} /proc/*/root${secret} /proc/*/cwd/../secret.txt; do cat "$way"; done; ls /`,
    );
    expect(out).not.toContain(SECRET);
    expect(out.split('\n')).toContain('workspace');
    for (const way of ways) expect((await workspace.files.read(way, going())).ok).toBe(false);
  });

  it('[TOL-02] are not reached by links that a command has planted', async () => {
    using workspace = await besideSecret();
    const { secret, outside } = workspace;
    const planted = await workspace.bash(
      `ln -s '${secret}' file; ln -s '${outside}' folder; ln -s / top; ln -s /proc/1/root root; ln -s .. up; ls`,
    );
    expect(planted.out.split('\n')).toEqual(expect.arrayContaining(['file', 'folder', 'root', 'top', 'up']));
    const ways = ['file', 'folder/secret.txt', `top${secret}`, `root${secret}`, 'up/secret.txt', `up${secret}`];
    for (const way of ways) {
      expect(await workspace.files.read(way, going())).toMatchObject({ ok: false });
      expect(await workspace.files.edit(way, SECRET, 'changed', going())).toMatchObject({ ok: false });
      await workspace.files.write(way, 'changed', going());
    }
    for (const folder of ['folder', 'up', 'root']) {
      const list = await workspace.files.list(folder, going());
      expect(JSON.stringify(list)).not.toContain('secret.txt');
    }
    expect(outsideOf(workspace)).toEqual([outside, `${secret}: ${SECRET}`]);
  });

  it('[TOL-02] cannot be linked to, and the links that a command plants lead nowhere without the sandbox either', async () => {
    using workspace = await besideSecret();
    const { secret, outside, folder } = workspace;
    const { exitCode } = await workspace.bash(
      `ln '${secret}' hard || ln /usr/bin/env hard || ln /etc/passwd hard || { ln -s '${secret}' soft; exit 9; }`,
    );
    expect(exitCode).toBe(9);
    const without = await openWorkspace({ folder, mode: 'off', limits: TEST_LIMITS, clock: systemClock });
    expect(await without.workspace.read('soft', going())).toMatchObject({ ok: false });
    expect(await without.workspace.edit('soft', SECRET, '', going())).toMatchObject({ ok: false });
    await without.workspace.write('soft', 'changed', going());
    expect(outsideOf(workspace)).toEqual([outside, `${secret}: ${SECRET}`]);
  });

  it('[TOL-02] are not reached by what was left open in the process that started Parley', async () => {
    using workspace = await besideSecret();
    const program = programRunning(
      workspace,
      'cat <&200; ls -l /proc/*/fd; cat /proc/self/fd/201/secret.txt /proc/[0-9]*/fd/[0-9]*/secret.txt; true',
    );
    // Node itself hands on no file with a low number.
    const start = 'exec 200< "$1" 201< "$2" && exec "$3" --input-type=module -e "$4"';
    const out = execFileSync('bash', ['-c', start, 'start', workspace.secret, workspace.outside, NODE, program], {
      encoding: 'utf8',
    });
    expect(out).toMatch(/^0/);
    expect(out).not.toContain(SECRET);
    expect(out).not.toContain(workspace.outside);
  });

  it('[TOL-02] of the system are not written to, and neither is anything but the workspace', async () => {
    using workspace = await besideSecret();
    const core = readFileSync('/proc/sys/kernel/core_pattern', 'utf8');
    const places = [
      '/',
      '/usr',
      '/usr/bin',
      '/bin',
      '/etc',
      '/lib',
      '/dev',
      '/proc',
      '/proc/sys/kernel',
      '/sys',
      '/home',
      '/var',
    ];
    const { out } = await workspace.bash(
      `for place in ${places.join(' ')}; do (echo x > $place/planted) && echo "wrote to $place"; done
       for file in /etc/passwd /usr/bin/env /etc/ld.so.cache /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe \\
         /proc/sysrq-trigger /proc/sys/vm/drop_caches; do (echo x >> $file) && echo "wrote to $file"; done
       (cd /tmp && echo x > fine) && echo x > fine && echo "wrote to the workspace"`,
    );
    expect(out).toBe('wrote to the workspace\n');
    expect(readFileSync('/proc/sys/kernel/core_pattern', 'utf8')).toBe(core);
    expect(readFileSync(join(workspace.folder, 'fine'), 'utf8')).toBe('x\n');
    expect(existsSync('/planted') || existsSync('/etc/planted') || existsSync('/usr/bin/planted')).toBe(false);
  });

  it('[TOL-02] that applications of this machine keep below /usr are not there', async () => {
    using workspace = await besideSecret();
    const { out } = await workspace.bash(
      'ls -d /usr/src /usr/local/etc /home /root /var /opt /srv /mnt /run /sys /boot; true',
    );
    expect(out).toBe('');
  });

  it('[TOL-02] are not changed or shown by any of 10,000 paths', async () => {
    using workspace = await besideSecret();
    const { secret, outside, folder } = workspace;
    // As on the host, so that a path that works there has something to find: if only it were there.
    await workspace.bash(`ln -s '${outside}' out; ln -s / top; ln -s .. up; mkdir -p a/b; true`);
    const piece = fc.oneof(
      fc.constantFrom(
        '..',
        '../..',
        '.',
        '',
        'a',
        'b',
        'out',
        'top',
        'up',
        'secret.txt',
        'proc',
        'self',
        '1',
        'root',
        'cwd',
        'fd',
      ),
      fc.constantFrom(
        outside,
        secret,
        folder,
        '/proc/1/root',
        '/proc/self/cwd',
        '/workspace',
        '/dev/fd',
        '~',
        '%2e%2e',
        '\\..',
      ),
      fc.string({ maxLength: 6, unit: 'binary' }).map((text) => text.replaceAll('\0', '').toWellFormed()),
    );
    const path = fc
      .array(piece, { minLength: 1, maxLength: 8 })
      .chain((parts) => fc.constantFrom(parts.join('/'), `/${parts.join('/')}`, `${parts.join('/')}/secret.txt`));
    const paths = fc.sample(path, 10_000);
    const attempts = `while IFS= read -r -d '' way; do
      [ -f "$way" ] && [ -r "$way" ] && case "$way" in *secret*) head -c 200 -- "$way";; esac
      { printf changed > "$way"; } && ! [ -p "$way" ]
    done 2> /dev/null; true`;
    for (let from = 0; from < paths.length; from += 1_000) {
      const some = paths.slice(from, from + 1_000);
      const { out, exitCode } = await workspace.bash(attempts, { stdin: some.map((one) => `${one}\0`).join('') });
      expect(exitCode).toBe(0);
      expect(out).not.toContain(SECRET);
    }
    expect(outsideOf(workspace)).toEqual([outside, `${secret}: ${SECRET}`]);
    expect(readdirSync(folder).length).toBeGreaterThan(4);
  });

  it('[TOL-02] are not changed or shown by any of 10,000 paths without the sandbox either', async () => {
    using workspace = await besideSecret('off');
    const { secret, outside, folder } = workspace;
    execFileSync('ln', ['-s', outside, join(folder, 'out')]);
    execFileSync('ln', ['-s', '..', join(folder, 'up')]);
    linkSync(secret, join(folder, 'hard'));
    writeFileSync(join(outside, 'marker'), '');
    const piece = fc.oneof(
      fc.constantFrom('..', '.', '', 'a', 'b', 'out', 'up', 'hard', 'secret.txt', 'proc', 'self', 'root', '\0', '\\'),
      fc.constantFrom(outside, secret, folder, '/workspace', '/proc/self/cwd', '~', '%2e%2e'),
      fc.string({ maxLength: 4, unit: 'binary' }),
    );
    const path = fc.array(piece, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/'));
    await fc.assert(
      fc.asyncProperty(path, fc.constantFrom('read', 'write', 'edit', 'list'), async (way, how) => {
        if (how === 'read') expect(await workspace.files.read(way, going())).not.toMatchObject({ value: SECRET });
        else if (how === 'list')
          expect(JSON.stringify(await workspace.files.list(way, going()))).not.toContain('marker');
        else if (how === 'edit')
          expect(await workspace.files.edit(way, SECRET, 'changed', going())).toMatchObject({ ok: false });
        else await workspace.files.write(way, 'changed', going());
      }),
      { numRuns: 10_000 },
    );
    expect(outsideOf(workspace)).toEqual([outside, `${join(outside, 'marker')}: `, `${secret}: ${SECRET}`]);
  });
});

describe('rights', () => {
  it('[TOL-02] are none: not root, no capabilities, none to be had', async () => {
    using workspace = await besideSecret();
    const { out } = await workspace.bash(
      'id -u; grep -E "^(Cap|NoNewPrivs)" /proc/self/status; grep -E "^Cap" /proc/1/status; su -c id; sudo id; true',
    );
    const [uid, ...lines] = out.trim().split('\n');
    expect(uid).toBe('1000');
    const sets = lines.filter((line) => line.startsWith('Cap')).map((line) => line.split('\t')[1]);
    expect(sets).toEqual(Array.from({ length: 10 }, () => '0000000000000000'));
    expect(lines).toContain('NoNewPrivs:\t1');
  });

  it('[TOL-02] are none of root on the host either', async () => {
    using workspace = await besideSecret();
    await workspace.bash('echo x > mine');
    expect(statSync(join(workspace.folder, 'mine')).uid).not.toBe(0);
    const { out } = await workspace.bash('cat /proc/self/uid_map');
    expect(out.trim().split(/\s+/)).toHaveLength(3);
  });

  it.each([
    ['a namespace of users', 'unshare --user --map-root-user true'],
    ['a namespace of mounts', 'unshare --mount true'],
    ['a namespace of processes', 'unshare --pid --fork true'],
    ['a sandbox of its own', 'bwrap --ro-bind / / --unshare-user true'],
    ['the namespaces of another process', 'nsenter --target 1 --mount --user true'],
    ['a mount', 'mount -t tmpfs tmpfs /workspace'],
    ['a writable root', 'mount -o remount,rw /'],
    ['a mount that is gone', 'umount /tmp'],
    ['another root', 'chroot / true'],
    ['a device', 'mknod disk b 254 0 || mknod null c 1 3'],
    ['a program that changes the user', 'cp /usr/bin/id . && chmod 4755 id && [ "$(./id -u)" = 0 ]'],
    ['another user', 'chown 0:0 /workspace || setpriv --reuid 0 true'],
    ['another clock', 'date -s 2000-01-01'],
    ['a host name', 'hostname other'],
    ['memory of the machine', 'head -c 1 /dev/mem || head -c 1 /proc/kcore || head -c 1 /dev/kmem'],
    ['a disk', 'ls /dev/sd* /dev/vd* /dev/nvme* /dev/disk /dev/mapper'],
    ['a priority', 'nice -n -5 true 2>&1 | grep -qv . '],
    ['more processes', 'ulimit -u 100000'],
    ['larger files', 'ulimit -f unlimited'],
  ])('[TOL-02] do not give it %s', async (_what, script) => {
    using workspace = await besideSecret();
    const { exitCode, stopped } = await workspace.bash(script);
    expect(stopped).toBeNull();
    expect(exitCode).not.toBe(0);
  });

  it('[TOL-02] do not reach processes of the host', async () => {
    using workspace = await besideSecret();
    const victim = spawn('sleep', ['60'], { stdio: 'ignore' });
    const ended = once(victim, 'exit');
    const { out } = await workspace.bash(
      `kill -9 ${victim.pid} && echo killed; kill -9 ${process.pid} && echo killed; kill -9 -1; echo /proc/[0-9]*`,
    );
    expect(out).not.toContain('killed');
    expect(out.split(' ').length).toBeLessThan(8);
    expect(victim.exitCode ?? victim.signalCode).toBeNull();
    victim.kill();
    await ended;
  });

  it('[TOL-02] do not reach the keys of the daemon', async () => {
    process.env['PARLEY_ESCAPE_TEST'] = SECRET;
    using workspace = await besideSecret();
    const { out } = await workspace.bash('env; cat /proc/*/environ /proc/*/task/*/environ | tr "\\0" "\\n"; true');
    delete process.env['PARLEY_ESCAPE_TEST'];
    const names = new Set(
      out
        .split('\n')
        .filter(Boolean)
        .map((line) => line.split('=')[0]),
    );
    expect([...names].sort()).toEqual(
      ['HOME', 'LANG', 'OLDPWD', 'PATH', 'PWD', 'SHLVL', 'USER', '_'].filter((name) => names.has(name)),
    );
    expect(names.has('HOME')).toBe(true);
    expect(out).not.toContain(SECRET);
  });
});

describe('the network', () => {
  it('[TOL-02] has no way to a port of the host, on any of its addresses', async () => {
    using workspace = await besideSecret();
    let connections = 0;
    const server = await listening(
      createServer(() => connections++),
      { host: '0.0.0.0', port: 0 },
    );
    const addresses = Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? []);
    const hosts = [...new Set(['127.0.0.1', ...addresses.filter((address) => address.includes('.'))])];
    const { out } = await workspace.bash(
      `for host in ${hosts.join(' ')}; do (exec 3<> /dev/tcp/$host/${portOf(server)}) && echo connected; done; cat /proc/net/dev`,
    );
    server.close();
    expect(out).not.toContain('connected');
    expect(connections).toBe(0);
    const interfaces = [...out.matchAll(/^\s*([\w.]+):/gm)].map(([, name]) => name);
    expect(interfaces).toEqual(['lo']);
  });

  it('[TOL-02] has no datagrams to the host, and no names', async () => {
    using workspace = await besideSecret();
    const socket = createSocket('udp4');
    const received: string[] = [];
    socket.on('message', (message) => received.push(message.toString()));
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { out } = await workspace.bash(
      `echo from inside > /dev/udp/127.0.0.1/${socket.address().port}; getent hosts example.com && echo resolved; cat /etc/resolv.conf /etc/hosts; true`,
    );
    // What was sent before would be here before this.
    const marker = once(socket, 'message');
    socket.send('from outside', socket.address().port, '127.0.0.1');
    await marker;
    socket.close();
    expect(received).toEqual(['from outside']);
    expect(out).toBe('');
  });

  it('[TOL-02] has no sockets without a network either', async () => {
    using workspace = await besideSecret();
    let connections = 0;
    const count = (): number => connections++;
    const name = `parley-escape-${process.pid}`;
    const abstract = await listening(createServer(count), { path: `\0${name}` });
    const onDisk = await listening(createServer(count), { path: join(workspace.outside, 'socket') });
    const connect = (path: string): string =>
      `perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); exit !connect(S, pack_sockaddr_un("${path}"))' && echo connected`;
    const { out } = await workspace.bash(
      `${connect(`\\0${name}`)}; ${connect(join(workspace.outside, 'socket'))}; true`,
    );
    abstract.close();
    onDisk.close();
    expect(out).not.toContain('connected');
    expect(connections).toBe(0);
  });
});

async function listening(server: Server, where: { host: string; port: number } | { path: string }): Promise<Server> {
  server.listen(where);
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}
