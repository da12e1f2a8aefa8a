import { spawn } from 'node:child_process';
import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import { createServer, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { openSandbox } from '../../src/sandbox/open-sandbox.ts';
import { removeStaleSockets, SOCKET_FOLDER } from '../../src/sandbox/proxy-socket.ts';
import type { SandboxLimits } from '../../src/sandbox/sandbox.ts';
import { selfSignedCertificate } from '../support/certificate.ts';
import { serving } from '../support/http-server.ts';
import {
  descendants,
  going,
  NODE,
  programRunning,
  requireSandbox,
  TEST_LIMITS,
  TestWorkspace,
} from '../support/sandbox.ts';

const isRoot = process.getuid?.() === 0;
const LOOPBACK: readonly LookupAddress[] = [{ address: '127.0.0.1', family: 4 }];

/** The Internet of these tests is this machine: its address counts as public, and every name is found there. */
const HERE = { allow: 'loopback', resolve: async () => LOOPBACK } as const;

const online = (hosts: readonly string[], limits: Partial<SandboxLimits> = {}): Promise<TestWorkspace> =>
  TestWorkspace.open('all', limits, { hosts: hosts.map((host) => `${host}:*`), ...HERE });

/** What is left on the host of the sockets of calls. */
const sockets = ({ outside }: TestWorkspace): string[] =>
  readdirSync(outside).filter((name) => name.startsWith(SOCKET_FOLDER));

const connectTo = (path: string): string =>
  `perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); exit !connect(S, pack_sockaddr_un("${path}"))' && echo connected`;

/** A server that counts who connects, and holds them. */
async function holding(where: { host: string; port: number } | { path: string }) {
  const held: Socket[] = [];
  const server = createServer((socket) => void held.push(socket.on('error', () => {}).resume()));
  server.listen(where);
  await once(server, 'listening');
  const address = server.address();
  return {
    held,
    port: typeof address === 'object' && address ? address.port : 0,
    async [Symbol.asyncDispose]() {
      for (const socket of held) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

beforeEach(requireSandbox);

describe('a command that may reach a host', () => {
  it('[TOL-02] does, with what programs know of proxies', async () => {
    await using server = await serving(async (request, response) => {
      const body = (await request.toArray()).join('');
      response.end(`${request.method} ${request.headers.host} ${request.url} ${body}\n`);
    });
    using workspace = await online(['api.example', '*.npm.example']);
    const { out, errors } = await workspace.bash(
      `curl -sS http://api.example:${server.port}/a?b; curl -sS -d body http://API.example.:${server.port}/;
       curl -sS --proxytunnel http://registry.npm.example:${server.port}/c`,
    );
    expect(errors).toBe('');
    expect(out.split('\n')).toEqual([
      `GET api.example:${server.port} /a?b `,
      `POST api.example.:${server.port} / body`,
      `GET registry.npm.example:${server.port} /c `,
      '',
    ]);
  });

  it('[TOL-02] does by TLS, and sees who the host is', async () => {
    const certificate = selfSignedCertificate();
    await using server = await serving((_request, response) => response.end('secret'), createTlsServer(certificate));
    using workspace = await online(['127.0.0.1', 'api.example']);
    writeFileSync(join(workspace.folder, 'ca.pem'), certificate.cert, { mode: 0o644 });
    // The proxy is not asked for what is on 127.0.0.1, unless one says so.
    const known = await workspace.bash(
      `curl -sS --noproxy '' --cacert ca.pem https://127.0.0.1:${server.port}/; curl -sS https://api.example:${server.port}/`,
    );
    expect(known.out).toBe('secret');
    // 60: it has a list of whom to trust, and this one is not on it.
    expect(known.exitCode).toBe(60);
  });

  it('[TOL-02] still reaches what it serves itself', async () => {
    using workspace = await online(['api.example']);
    const { out } = await workspace.bash(
      `perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1:8000") or die; open F, ">up"; close F;
         $c = $s->accept; <$c>; print $c "HTTP/1.0 200 OK\\r\\n\\r\\nmine\\n"' &
       until [ -e up ]; do :; done; curl -sS http://127.0.0.1:8000/; wait`,
    );
    expect(out).toBe('mine\n');
  });

  it('[TOL-02] does so from its first moment, however often', async () => {
    await using server = await serving((_request, response) => response.end('here'));
    using workspace = await online(['api.example']);
    const runs = Array.from({ length: 8 }, () => workspace.bash(`curl -sS http://api.example:${server.port}/`));
    for (const run of await Promise.all(runs)) expect(run).toMatchObject({ exitCode: 0, out: 'here', errors: '' });
    expect(sockets(workspace)).toEqual([]);
  });

  it('[TOL-02] has as its children only those that it has started', async () => {
    using workspace = await online(['api.example']);
    const { out, stopped } = await workspace.bash(`perl -e '1 while wait != -1; print "none left"'`);
    expect({ out, stopped }).toEqual({ out: 'none left', stopped: null });
  });
});

describe('a command that may reach a host reaches no other', () => {
  it('[TOL-02] by name, and is told why', async () => {
    await using server = await holding({ host: '127.0.0.1', port: 0 });
    using workspace = await online(['api.example']);
    const { out, errors } = await workspace.bash(
      `curl -sS http://evil.example:${server.port}/; curl -sS http://api.example.evil.example:${server.port}/;
       curl -sS -H 'Host: api.example' http://evil.example:${server.port}/; curl -sSv https://evil.example:${server.port}/`,
    );
    expect(out.match(/evil\.example(:\d+)? is not an allowed host; .*sandbox\.network/g)).toHaveLength(3);
    expect(errors).toMatch(/403 evil\.example(:\d+)? is not an allowed host; .*sandbox\.network/);
    expect(server.held).toEqual([]);
  });

  it('[TOL-02] [SEC-05] that is not public: this machine, its network, the metadata of a cloud', async () => {
    await using server = await holding({ host: '0.0.0.0', port: 0 });
    const literals = [
      '127.0.0.1',
      '0.0.0.0',
      '2130706433',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '10.0.0.1',
      '169.254.169.254',
    ];
    const names = new Map([
      ['metadata.example', '169.254.169.254'],
      ['localhost.example', '127.0.0.1'],
      ['router.example', '192.168.0.1'],
    ]);
    const resolve = async (host: string) => [{ address: names.get(host) ?? '1.1.1.1', family: 4 }];
    using workspace = await TestWorkspace.open('all', {}, { hosts: ['*:*'], resolve });
    const hosts = [...literals, ...names.keys()];
    const { out } = await workspace.bash(
      `for host in ${hosts.map((host) => `'${host}'`).join(' ')}; do
         for way in "http://$host:${server.port}/" "-p http://$host:${server.port}/"; do
           curl -sS -g --noproxy '' -o answer -w '%{http_code} %{http_connect}\\n' $way 2> errors
         done
       done`,
    );
    expect(out.trim().split('\n')).toEqual(hosts.flatMap(() => ['403 000', '000 403']));
    expect(server.held).toEqual([]);
  });

  it('[TOL-02] past the proxy: no address, no name, no datagram', async () => {
    await using server = await holding({ host: '0.0.0.0', port: 0 });
    using workspace = await online(['*']);
    const addresses = Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? []);
    const hosts = [...new Set(['127.0.0.1', '1.1.1.1', ...addresses.filter((address) => address.includes('.'))])];
    const { out } = await workspace.bash(
      `for host in ${hosts.join(' ')}; do
         (exec 3<> /dev/tcp/$host/${server.port}) && echo connected; curl -sS --noproxy '*' -m 2 http://$host:${server.port}/ && echo fetched
       done
       (exec 3<> /dev/tcp/1.1.1.1/53) && echo connected; (echo x > /dev/udp/1.1.1.1/53) && echo sent
       getent hosts example.com && echo resolved; (exec 3<> /dev/tcp/example.com/80) && echo connected
       cat /etc/resolv.conf /etc/hosts; grep -v -e '|' -e '^ *lo:' /proc/net/dev; true`,
    );
    expect(out).toBe('');
    expect(server.held).toEqual([]);
  });

  it('[TOL-02] by a socket of the host, named or abstract', async () => {
    using workspace = await online(['*']);
    const name = `parley-network-${process.pid}`;
    await using abstract = await holding({ path: `\0${name}` });
    await using onDisk = await holding({ path: join(workspace.outside, 'socket') });
    chmodSync(join(workspace.outside, 'socket'), 0o777);
    const { out } = await workspace.bash(
      `${connectTo(`\\0${name}`)}; ${connectTo(join(workspace.outside, 'socket'))};
       for pid in /proc/[0-9]*; do ls $pid/root${workspace.outside} $pid/cwd/../socket; done; ls /run`,
    );
    expect(out).toBe('parley-proxy.sock\n');
    expect([abstract.held, onDisk.held]).toEqual([[], []]);
  });

  it('[TOL-02] by what the forwarder could do for it: that is the same sandbox', async () => {
    using workspace = await online(['*']);
    const { out } = await workspace.bash(
      `for pid in /proc/[0-9]*; do
         [ "$(tr '\\0' ' ' < $pid/cmdline | cut -d' ' -f1)" = socat ] || continue
         grep -E '^(Uid|CapEff|NoNewPrivs|Seccomp):' $pid/status | tr '\\t\\n' '  '
         [ $pid/ns/net -ef /proc/self/ns/net ] && [ $pid/ns/mnt -ef /proc/self/ns/mnt ] && echo same
         ls -l $pid/fd | grep -v -e /dev/null -e socket: -e total; tr '\\0' '\\n' < $pid/environ | grep -i parley
       done; true`,
    );
    expect(out).toMatch(/^Uid: 1000 1000 1000 1000 CapEff: 0000000000000000 NoNewPrivs: 1 .*same\n$/);
  });
});

describe('a sandbox without network', () => {
  it('[TOL-02] has no proxy, no socket of one, and no forwarder', async () => {
    await using server = await holding({ host: '127.0.0.1', port: 0 });
    using workspace = await TestWorkspace.open('all');
    const { out } = await workspace.bash(
      `env | grep -i proxy; ls /run /etc/ssl; cat /proc/[0-9]*/comm | grep socat; grep ' 0A ' /proc/net/tcp
       (exec 3<> /dev/tcp/127.0.0.1/3128) && echo connected; curl -sS http://127.0.0.1:${server.port}/ && echo fetched; true`,
    );
    expect(out).toBe('');
    expect(server.held).toEqual([]);
  });

  it('[TOL-02] is that of the tools for files, whatever commands may reach', async () => {
    using workspace = await online(['*'], { seconds: 1 });
    await workspace.bash('mkfifo pipe');
    const before = new Set(descendants());
    const reading = workspace.files.read('pipe', going());
    await expect.poll(() => descendants().filter((pid) => !before.has(pid)).length).toBeGreaterThan(1);
    expect(sockets(workspace)).toEqual([]);
    expect(await reading).toMatchObject({ ok: false });
    // The same look at a command sees a socket.
    const running = workspace.bash('touch begun; sleep 1000');
    await expect.poll(() => existsSync(join(workspace.folder, 'begun'))).toBe(true);
    expect(sockets(workspace)).toHaveLength(1);
    expect(await running).toMatchObject({ stopped: 'time' });
  });
});

describe('what a call has used of the network', () => {
  it.each([
    ['has ended', 'exit 0', 'end'],
    ['was stopped', 'sleep 1000', 'stop'],
    ['was given up', 'sleep 1000', 'abort'],
  ])('[TOL-02] is gone when the call %s: processes, socket and connections', async (_what, then, how) => {
    await using server = await holding({ host: '127.0.0.1', port: 0 });
    using workspace = await online(['api.example'], how === 'stop' ? { seconds: 1 } : {});
    const abort = new AbortController();
    const tunnel = `{ printf 'CONNECT api.example:${server.port} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' >&3; read -r line <&3; echo "$line"; }`;
    const running = workspace.bash(
      `exec 3<> /dev/tcp/127.0.0.1/3128 && ${tunnel}; (setsid sleep 1000 &); touch begun; ${then}`,
      { signal: abort.signal },
    );
    const ended = running.catch((error: Error) => error.message);
    await expect.poll(() => existsSync(join(workspace.folder, 'begun'))).toBe(true);
    expect(server.held).toHaveLength(1);
    if (how === 'abort') {
      expect(sockets(workspace)).toHaveLength(1);
      abort.abort(new Error('enough'));
      expect(await ended).toBe('enough');
    } else {
      expect(await ended).toMatchObject({
        stopped: how === 'stop' ? 'time' : null,
        out: expect.stringMatching(/^HTTP\/1\.1 200 /),
      });
    }
    expect(sockets(workspace)).toEqual([]);
    await expect.poll(() => server.held.every((socket) => socket.destroyed)).toBe(true);
    await expect.poll(() => descendants()).toEqual([]);
  });

  it('[TOL-02] is for its user alone meanwhile', async () => {
    using workspace = await online(['api.example']);
    const stop = new AbortController();
    const running = workspace.bash('touch begun; sleep 1000', { signal: stop.signal }).catch(() => {});
    await expect.poll(() => existsSync(join(workspace.folder, 'begun'))).toBe(true);
    const [folder = ''] = sockets(workspace);
    const path = join(workspace.outside, folder);
    const socket = statSync(join(path, 'http.sock'));
    expect(socket.mode & 0o777).toBe(0o600);
    expect(socket.uid).toBe(statSync(workspace.folder).uid);
    expect(statSync(path).mode & 0o777).toBe(isRoot ? 0o711 : 0o700);
    stop.abort();
    await running;
  });

  it('[TOL-02] is cleared up at the next start when Parley was killed, and nobody else is disturbed', async () => {
    using workspace = await online(['api.example']);
    const network = `{ hosts: ['api.example:*'], socketRoot: ${JSON.stringify(workspace.outside)} }`;
    const program = programRunning(workspace, 'touch begun; sleep 1000', network);
    const parley = spawn(NODE, ['--input-type=module', '-e', program], { stdio: 'ignore' });
    await expect.poll(() => existsSync(join(workspace.folder, 'begun')), { timeout: 10_000 }).toBe(true);
    const [theirs] = sockets(workspace);
    // Not theirs to remove: a folder without a socket, and what only has the name.
    mkdirSync(join(workspace.outside, `${SOCKET_FOLDER}empty`));
    writeFileSync(join(workspace.outside, `${SOCKET_FOLDER}file`), '');
    await removeStaleSockets(workspace.outside);
    expect(sockets(workspace)).toContain(theirs);
    parley.kill('SIGKILL');
    await once(parley, 'exit');
    expect(sockets(workspace)).toContain(theirs);
    const opened = await openSandbox({
      folder: workspace.folder,
      limits: TEST_LIMITS,
      network: { hosts: ['api.example:*'], socketRoot: workspace.outside },
      clock: systemClock,
    });
    expect(opened).toMatchObject({ ok: true });
    expect(sockets(workspace).toSorted()).toEqual([`${SOCKET_FOLDER}empty`, `${SOCKET_FOLDER}file`]);
  });
});

describe('the limits of a command hold with a network', () => {
  it('[TOL-02] the forwarder is one of its processes, and so is each connection', async () => {
    await using server = await holding({ host: '127.0.0.1', port: 0 });
    using workspace = await online(['api.example'], { processes: 24 });
    const { out } = await workspace.bash(
      `perl -MIO::Socket::INET -e 'for (1 .. 100) { $s = IO::Socket::INET->new("127.0.0.1:3128") or last;
         print $s "CONNECT api.example:${server.port} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"; <$s> or last; push @all, $s }
         print @all + 0, " connections "; for $n (1 .. 100) { $child = fork; defined $child or die print $n; $child or sleep 1000 }'`,
    );
    const [, connections, children] = /^(\d+) connections (\d+)$/.exec(out) ?? [];
    expect(Number(connections)).toBe(server.held.length);
    expect(server.held.length).toBeGreaterThan(10);
    expect(Number(connections) + Number(children)).toBeLessThan(24);
    await expect.poll(() => descendants()).toEqual([]);
  });

  it('[TOL-02] a fork bomb that takes the forwarder along is stopped all the same', async () => {
    using workspace = await online(['api.example'], { seconds: 1, processes: 24 });
    await workspace.bash("perl -e 'kill 9, -1; while (1) { fork }'");
    await expect.poll(() => descendants()).toEqual([]);
    expect(sockets(workspace)).toEqual([]);
  });
});

describe('a sandbox with network', () => {
  it('[TOL-02] is not there with limits that leave no room for it, and it is said so', async () => {
    using tooFew = await online(['api.example'], { processes: 7 });
    expect(tooFew.shell).toMatchObject({ ok: false, error: expect.stringContaining('sandbox.limits.processes') });
    using workspace = await online(['api.example'], { processes: 8 });
    expect(workspace.shell).toMatchObject({ ok: true });
    expect(await workspace.bash('curl -sS http://evil.example/')).toMatchObject({ exitCode: 0 });
  });
});

describe('where socat is missing', () => {
  it('[TOL-02] a sandbox with network is refused with what to install, and the one without works', async () => {
    using workspace = await TestWorkspace.open(
      'all',
      {},
      { hosts: ['api.example'], ...HERE, forwarder: 'no-such-socat' },
    );
    expect(workspace.shell).toMatchObject({ ok: false, error: expect.stringMatching(/apt-get install socat/) });
    expect(await workspace.files.write('f', 'x', going())).toMatchObject({ ok: true });
    rmSync(join(workspace.folder, 'f'));
  });
});
