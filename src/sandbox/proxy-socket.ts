import { chmod, chown, lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import type { HostUser } from './bubblewrap.ts';
import type { ProxyAccess } from './bubblewrap-arguments.ts';
import { ForwardProxy, type NetworkPolicy } from './forward-proxy.ts';

/** Each call has a folder of this name, and something random, for its socket. */
export const SOCKET_FOLDER = 'parley-proxy-';
const SOCKET = 'http.sock';

export interface NetworkOptions extends NetworkPolicy {
  /** For tests: where the folders of sockets are. Default: where temporary files are, which every user may enter. */
  readonly socketRoot?: string;
  /** For tests: a program in the place of socat. */
  readonly forwarder?: string;
}

type ProxySocket = ProxyAccess & AsyncDisposable;

/** A proxy for one call, on a socket that `user` alone (null: this one) can connect to. Both are gone when it is disposed of. */
export async function openProxySocket(
  { socketRoot = tmpdir(), forwarder = 'socat', ...policy }: NetworkOptions,
  user: HostUser | null,
  clock: Clock,
): Promise<ProxySocket> {
  const folder = await mkdtemp(join(socketRoot, SOCKET_FOLDER));
  const path = join(folder, SOCKET);
  const proxy = new ForwardProxy(policy, clock);
  const close = async (): Promise<void> => {
    await proxy[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await proxy.listen(path);
    await chmod(path, 0o600);
    if (user) {
      await chown(path, user.uid, user.gid);
      // Until here nobody else could enter.
      await chmod(folder, 0o711);
    }
    return { socket: path, forwarder, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Clears up after a process that was killed. The socket of one that lives takes connections. */
export async function removeStaleSockets(socketRoot = tmpdir()): Promise<void> {
  const names = await readdir(socketRoot).catch(() => []);
  const folders = names.filter((name) => name.startsWith(SOCKET_FOLDER)).map((name) => join(socketRoot, name));
  await Promise.all(folders.map(removeIfStale));
}

async function removeIfStale(folder: string): Promise<void> {
  // Others can make a folder of such a name, too.
  const stats = await lstat(folder).catch(() => null);
  if (!stats?.isDirectory() || stats.uid !== process.getuid?.()) return;
  if (await isRefused(join(folder, SOCKET))) await rm(folder, { recursive: true, force: true });
}

function isRefused(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}
