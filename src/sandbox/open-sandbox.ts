import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Clock } from '../lib/clock.ts';
import { errorText } from '../lib/errors.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { Bubblewrap, type HostUser } from './bubblewrap.ts';
import { BUBBLEWRAP_ENVIRONMENT, PROXY_PORT } from './bubblewrap-arguments.ts';
import { type NetworkOptions, removeStaleSockets, SOCKET_FOLDER } from './proxy-socket.ts';
import type { Sandbox, SandboxLimits } from './sandbox.ts';

interface SandboxOptions {
  /** The folder of the workspace; it is there. */
  readonly folder: string;
  readonly limits: SandboxLimits;
  /** Where commands may connect to. Default: nowhere. */
  readonly network?: NetworkOptions;
  readonly clock: Clock;
}

const PACKAGE =
  'Install the package bubblewrap (apt-get install bubblewrap, dnf install bubblewrap, apk add bubblewrap).';

const SOCAT =
  'Commands that may use the network (sandbox.network) need it: install the package socat ' +
  '(apt-get install socat, dnf install socat, apk add socat).';

const NAMESPACES =
  'Programs may not make user namespaces here. Allow that (on Ubuntu: sysctl kernel.apparmor_restrict_unprivileged_userns=0; ' +
  'elsewhere kernel.unprivileged_userns_clone=1 and user.max_user_namespaces above 0), or, in a container, start that with ' +
  '--security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined.';

/** The tools that Parley itself runs inside. */
const NEEDED = ['bash', 'cat', 'chmod', 'find', 'grep', 'head', 'mktemp', 'mv'];
/** Names those that are not there; with two processes at a time, which the limit has to leave room for. */
const PROBE_TOOLS = `for tool in ${NEEDED.join(' ')}; do command -v $tool > /dev/null || echo $tool; done | cat; mktemp > /dev/null`;
/** Whether the proxy is there, by what it says to a request that is none for a proxy. */
const PROBE_PROXY = `exec 3<> /dev/tcp/127.0.0.1/${PROXY_PORT} && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && grep -q '^HTTP/1.1 400' <&3`;
/** Those that the forwarder, one connection of it, and a small command take. With fewer bash would wait for some to become free. */
const LEAST_PROCESSES = 8;
const TOO_FEW_PROCESSES = `With a network, commands take at least ${LEAST_PROCESSES} processes. Raise sandbox.limits.processes.`;

/** A sandbox that has been seen to work, or in words why there is none and what would mend that. */
export async function openSandbox({
  folder,
  limits,
  network,
  clock,
}: SandboxOptions): Promise<Result<Sandbox, string>> {
  const version = await bubblewrapVersion();
  if (version === null) return err(`Bubblewrap is not installed. ${PACKAGE}`);
  const user = await hostUser(folder);
  if (!user.ok) return user;
  if (network && limits.processes < LEAST_PROCESSES) return err(TOO_FEW_PROCESSES);
  if (network) await removeStaleSockets(network.socketRoot);
  const shape = { folder, runAs: user.value, limits, canDisableUserns: isFrom08(version) };
  const sandbox = new Bubblewrap({ ...shape, network: network ?? null, clock });
  const probe = network ? ['bash', '-c', PROBE_PROXY] : ['sh', '-c', PROBE_TOOLS];
  const problem = await problemOf(sandbox, probe, folder, user.value);
  return problem === null ? ok(sandbox) : err(problem);
}

/** Such as `bubblewrap 0.8.0`; null: there is none. */
async function bubblewrapVersion(): Promise<string | null> {
  if (process.platform !== 'linux') return null;
  try {
    return (await promisify(execFile)('bwrap', ['--version'], { env: BUBBLEWRAP_ENVIRONMENT })).stdout.trim();
  } catch {
    return null;
  }
}

/** 0.8.0 brought `--disable-userns`. */
function isFrom08(version: string): boolean {
  const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) > 0 || Number(minor) >= 8;
}

/** Where this process is root, the commands are whoever the workspace belongs to. */
async function hostUser(folder: string): Promise<Result<HostUser | null, string>> {
  if (process.getuid?.() !== 0) return ok(null);
  const { uid, gid } = await stat(folder);
  if (uid !== 0) return ok({ uid, gid });
  return err(
    `${folder} belongs to root, and commands never run as root. Give it to another user (chown -R), or run Parley as another user.`,
  );
}

async function problemOf(
  sandbox: Sandbox,
  probe: readonly string[],
  folder: string,
  user: HostUser | null,
): Promise<string | null> {
  try {
    const { exitCode, stdout, stderr, stopped } = await sandbox.run(probe, {
      signal: AbortSignal.timeout(10_000),
    });
    if (exitCode !== 0) return failed(stderr.toString().trim() || `It was stopped (${stopped}).`, folder, user);
    const missing = stdout.toString().split('\n').filter(Boolean);
    return missing.length === 0 ? null : `Programs are missing that tools need: ${missing.join(', ')}.`;
  } catch (error) {
    return failed(errorText(error), folder, user);
  }
}

function failed(said: string, folder: string, user: HostUser | null): string {
  return `The sandbox does not work here: ${said} ${adviceFor(said, folder, user ? `user ${user.uid}` : 'this user')}`.trim();
}

function adviceFor(said: string, folder: string, who: string): string {
  if (said.includes(folder))
    return `The workspace has to be in folders that ${who} may enter: choose another sandbox.workspaceRoot, or chmod o+x those.`;
  if (said.includes(SOCKET_FOLDER))
    return `The folder for temporary files (TMPDIR) has to be one that ${who} may enter.`;
  if (/fork|resource/i.test(said))
    return 'Raise sandbox.limits.processes: before Linux 5.14 it counts all processes of the user.';
  if (said.includes('socat is not installed')) return SOCAT;
  return /namespace|uid map|loopback|mount|permission|permitted/i.test(said) ? NAMESPACES : '';
}
