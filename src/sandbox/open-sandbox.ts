import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Clock } from '../lib/clock.ts';
import { errorText } from '../lib/errors.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { Bubblewrap, type HostUser } from './bubblewrap.ts';
import { BUBBLEWRAP_ENVIRONMENT } from './bubblewrap-arguments.ts';
import type { Sandbox, SandboxLimits } from './sandbox.ts';

interface SandboxOptions {
  /** The folder of the workspace; it is there. */
  readonly folder: string;
  readonly limits: SandboxLimits;
  readonly clock: Clock;
}

const PACKAGE =
  'Install the package bubblewrap (apt-get install bubblewrap, dnf install bubblewrap, apk add bubblewrap).';

const NAMESPACES =
  'Programs may not make user namespaces here. Allow that (on Ubuntu: sysctl kernel.apparmor_restrict_unprivileged_userns=0; ' +
  'elsewhere kernel.unprivileged_userns_clone=1 and user.max_user_namespaces above 0), or, in a container, start that with ' +
  '--security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined.';

/** The tools that Parley itself runs inside. */
const NEEDED = ['bash', 'cat', 'chmod', 'find', 'grep', 'head', 'mktemp', 'mv'];
/** Names those that are not there; with two processes at a time, which the limit has to leave room for. */
const PROBE = `for tool in ${NEEDED.join(' ')}; do command -v $tool > /dev/null || echo $tool; done | cat; mktemp > /dev/null`;

/** A sandbox that has been seen to work, or in words why there is none and what would mend that. */
export async function openSandbox({ folder, limits, clock }: SandboxOptions): Promise<Result<Sandbox, string>> {
  const version = await bubblewrapVersion();
  if (version === null) return err(`Bubblewrap is not installed. ${PACKAGE}`);
  const user = await hostUser(folder);
  if (!user.ok) return user;
  const sandbox = new Bubblewrap({ folder, runAs: user.value, limits, canDisableUserns: isFrom08(version), clock });
  const problem = await problemOf(sandbox, folder, user.value);
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

async function problemOf(sandbox: Sandbox, folder: string, user: HostUser | null): Promise<string | null> {
  try {
    const { exitCode, stdout, stderr, stopped } = await sandbox.run(['sh', '-c', PROBE], {
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
  const advice = said.includes(folder)
    ? `The workspace has to be in folders that ${user ? `user ${user.uid}` : 'this user'} may enter: choose another sandbox.workspaceRoot, or chmod o+x those.`
    : /fork|resource/i.test(said)
      ? 'Raise sandbox.limits.processes: before Linux 5.14 it counts all processes of the user.'
      : /namespace|uid map|loopback|mount|permission|permitted/i.test(said)
        ? NAMESPACES
        : '';
  return `Bubblewrap does not work here: ${said} ${advice}`.trim();
}
