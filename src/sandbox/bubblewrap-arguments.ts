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

/** The largest file that a command can write. */
const FILE_MIB = 256;
const OPEN_FILES = 256;
/** V8, in Node and in browsers, reserves half a GiB for each of its workers, and uses little of it. */
const RESERVED_MIB = 4096;
/** Of shared memory in files; programs keep little more than semaphores there. */
const SHM_MIB = 16;

/** What bubblewrap is to be told so that it runs commands in this folder. The command comes after. */
export function bubblewrapArguments(folder: string, limits: SandboxLimits, canDisableUserns: boolean): string[] {
  return [
    ...['--unshare-user', '--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
    ...(canDisableUserns ? ['--disable-userns'] : []),
    ...['--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
    ...['--uid', `${USER}`, '--gid', `${USER}`, '--hostname', 'sandbox'],
    ...['--clearenv', ...Object.entries(ENVIRONMENT).flatMap(([name, value]) => ['--setenv', name, value])],
    ...PROGRAMS.flatMap((path) => ['--ro-bind-try', path, path]),
    ...['--ro-bind-data', `${PASSWD_PIPE}`, '/etc/passwd', '--ro-bind-data', `${GROUP_PIPE}`, '/etc/group'],
    ...['--proc', '/proc', '--dev', '/dev'],
    ...['--size', `${SHM_MIB * MIB}`, '--tmpfs', '/dev/shm'],
    ...['--size', `${limits.memoryMb * MIB}`, '--tmpfs', '/tmp'],
    ...['--bind', folder, INSIDE, '--chdir', INSIDE],
    // These two are in memory as well, and have no size.
    ...['--remount-ro', '/dev', '--remount-ro', '/'],
    '--',
    ...limited(limits),
  ];
}

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
