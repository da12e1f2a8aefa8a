import { MAX_CONNECTIONS } from './forward-proxy.ts';
import { INSIDE, type SandboxLimits } from './sandbox.ts';

const MIB = 1024 * 1024;

/** The user that commands think they are. */
const USER = 1000;

/** The numbers of the pipes by which bubblewrap is given the two files of users. */
const PASSWD_PIPE = 3;
const GROUP_PIPE = 4;

/** What goes through the pipes after standard error, in their order. */
export const USER_FILES = [
  `root:x:0:0:root:/:/bin/false\nagent:x:${USER}:${USER}:agent:${INSIDE}:/bin/sh\n`,
  `root:x:0:\nagent:x:${USER}:\n`,
] as const;

/**
 * What of the host there is to read: its programs, and what they need to run. Not all of /usr: below /usr/src and /usr/local/etc
 * people keep applications, with their settings.
 */
const PROGRAMS = [
  ...['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'],
  ...['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32', 'libexec', 'include', 'share'].map((name) => `/usr/${name}`),
  ...['bin', 'sbin', 'lib', 'include', 'share'].map((name) => `/usr/local/${name}`),
  ...['/etc/alternatives', '/etc/ld.so.cache', '/etc/localtime'],
];

/** Everything that bubblewrap would inherit. Its own first process inside shows its environment to the others. */
export const BUBBLEWRAP_ENVIRONMENT = { PATH: '/usr/local/bin:/usr/bin:/bin' };

const ENVIRONMENT = {
  ...BUBBLEWRAP_ENVIRONMENT,
  HOME: INSIDE,
  USER: 'agent',
  LANG: 'C.UTF-8',
};

/** Where a command finds the proxy, if it has one: the port, behind which is the socket. */
export const PROXY_PORT = 3128;
const PROXY_SOCKET = '/run/parley-proxy.sock';
const PROXY_URL = `http://127.0.0.1:${PROXY_PORT}`;
/** What a command serves to itself needs no proxy. */
const UNPROXIED = 'localhost,127.0.0.1,::1';

const NETWORK_ENVIRONMENT = {
  ...{ HTTP_PROXY: PROXY_URL, HTTPS_PROXY: PROXY_URL, NO_PROXY: UNPROXIED },
  ...{ http_proxy: PROXY_URL, https_proxy: PROXY_URL, no_proxy: UNPROXIED },
  // Node looks at those only when it is told to.
  NODE_USE_ENV_PROXY: '1',
};

/** The certificates that this machine trusts, in the places of the distributions; no keys are there. */
const CERTIFICATES = [
  ...['/etc/ssl/certs', '/etc/ssl/cert.pem'],
  ...['/etc/pki/tls/certs', '/etc/pki/ca-trust/extracted', '/etc/ca-certificates/extracted'],
];

/** The largest file that a command can write. */
const FILE_MIB = 256;
const OPEN_FILES = 256;
/** V8, in Node and in browsers, reserves half a GiB for each of its workers, and uses little of it. */
const RESERVED_MIB = 4096;
/** Of shared memory in files; programs keep little more than semaphores there. */
const SHM_MIB = 16;

interface SandboxShape {
  readonly folder: string;
  readonly limits: SandboxLimits;
  readonly canDisableUserns: boolean;
}

/** The only way to the network. */
export interface ProxyAccess {
  /** The path of the proxy's socket on the host. */
  readonly socket: string;
  /** The program that leads there from a port: socat. */
  readonly forwarder: string;
}

/** What bubblewrap is to be told so that it runs commands in this folder. The command comes after. `proxy`: null: there is none. */
export function bubblewrapArguments(
  { folder, limits, canDisableUserns }: SandboxShape,
  proxy: ProxyAccess | null,
): string[] {
  const environment = { ...ENVIRONMENT, ...(proxy && NETWORK_ENVIRONMENT) };
  return [
    ...['--unshare-user', '--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
    ...(canDisableUserns ? ['--disable-userns'] : []),
    ...['--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
    ...['--uid', `${USER}`, '--gid', `${USER}`, '--hostname', 'sandbox'],
    ...['--clearenv', ...Object.entries(environment).flatMap(([name, value]) => ['--setenv', name, value])],
    ...PROGRAMS.flatMap((path) => ['--ro-bind-try', path, path]),
    ...['--ro-bind-data', `${PASSWD_PIPE}`, '/etc/passwd', '--ro-bind-data', `${GROUP_PIPE}`, '/etc/group'],
    ...['--proc', '/proc', '--dev', '/dev'],
    ...['--size', `${SHM_MIB * MIB}`, '--tmpfs', '/dev/shm'],
    ...['--size', `${limits.memoryMb * MIB}`, '--tmpfs', '/tmp'],
    ...['--bind', folder, INSIDE, '--chdir', INSIDE],
    ...(proxy ? networkArguments(proxy) : []),
    // These two are in memory as well, and have no size.
    ...['--remount-ro', '/dev', '--remount-ro', '/'],
    '--',
    ...limited(limits),
    ...(proxy ? ['bash', '-c', START_FORWARDER, 'bash', proxy.forwarder] : []),
  ];
}

/** To connect to a socket it need not be writable as a file. */
const networkArguments = ({ socket }: ProxyAccess): string[] => [
  ...['--ro-bind', socket, PROXY_SOCKET],
  ...CERTIFICATES.flatMap((path) => ['--ro-bind-try', path, path]),
];

/**
 * Limits that the kernel keeps, set inside: the number of processes is then that of this sandbox alone. What is said of memory
 * here only bounds a single process until somebody has looked at what they all use (`watchMemory`). When the machine as a whole runs out
 * of memory, these processes are the first to go.
 */
function limited({ seconds, memoryMb, processes }: SandboxLimits): string[] {
  return [
    ...['prlimit', `--nproc=${processes}`, `--data=${(memoryMb + RESERVED_MIB) * MIB}`, `--fsize=${FILE_MIB * MIB}`],
    ...[`--nofile=${OPEN_FILES}`, `--cpu=${Math.ceil(seconds)}`, '--core=0', '--'],
    ...['choom', '-n', '1000', '--'],
    ...['bash', '-c', CLOSE_INHERITED, 'bash'],
  ];
}

/** Whoever has started Parley may have left files or folders open, which every process below it would have open, too. */
const CLOSE_INHERITED = `
for fd in /proc/self/fd/*; do [ "\${fd##*/}" -le 2 ] || eval "exec \${fd##*/}>&-"; done
exec -- "$@"`;

/** As /proc/net/tcp has a port: in hexadecimal. */
const LISTENING = `:${PROXY_PORT.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A `;

/**
 * Programs know proxies by a port, so socat leads from that to the socket. It may do no more than the command itself. It is not the
 * command's child, which might wait for all of its children; and it listens before the command begins.
 */
const START_FORWARDER = `
socat=$1; shift
command -v "$socat" > /dev/null || { echo 'socat is not installed.' >&2; exit 127; }
(
  "$socat" -t 60 TCP4-LISTEN:${PROXY_PORT},bind=127.0.0.1,fork,max-children=${MAX_CONNECTIONS} UNIX-CONNECT:${PROXY_SOCKET} \
    < /dev/null > /dev/null 2>&1 &
  until mapfile -t sockets < /proc/net/tcp && [[ "\${sockets[*]}" == *'${LISTENING}'* ]]; do
    kill -0 $! 2> /dev/null || exit
  done
) || { echo 'socat could not be started.' >&2; exit 126; }
exec -- "$@"`;
