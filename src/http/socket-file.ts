/** The daemon's Unix socket: who may make it, and what becomes of one that is there already. */
import { chmod, lstat, mkdir, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { ControlError } from './control-error.js';

/** `sun_path` of Linux holds 108 bytes, the closing zero included; a longer path would be cut without a word. */
const socketPathBytesMax = 107;
/** A local connect answers at once; a daemon whose backlog is full is a live one. */
const probeMs = 2_000;

/** Makes the way free for a new socket: makes its folder, removes the file of a dead daemon, refuses a live one's. */
export async function claimSocket(path: string): Promise<void> {
  if (Buffer.byteLength(path) > socketPathBytesMax) {
    throw new ControlError(`the socket's path is longer than ${socketPathBytesMax} bytes: ${path}`, {
      next: 'give control.socket, NODEPOOLD_SOCKET or --socket a shorter path',
    });
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o750 }).catch((cause: Error) => {
    throw new ControlError(`the folder of the socket ${path} cannot be made: ${cause.message}`, {
      next: 'make room for it, or name another place in state-dir, control.socket or NODEPOOLD_SOCKET',
      cause,
    });
  });
  const found = await lstat(path).catch(absent);
  if (found === null) return;
  if (!found.isSocket()) {
    throw new ControlError(`${path} exists and is not a socket`, { next: 'move it away or choose another path' });
  }
  if (await answers(path)) {
    throw new ControlError(`a daemon is listening on ${path} already`, {
      next: 'stop the other daemon, or give this one a socket of its own',
    });
  }
  await unlink(path).catch(absent);
}

/** Reading and writing for the owner and the group, nothing for others: who may connect may do everything. */
export async function restrictSocket(path: string): Promise<void> {
  await chmod(path, 0o660);
}

/** Whether somebody listens. Only a refused connection says no: every doubt leaves the file where it is. */
async function answers(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path);
    const settle = (isLive: boolean): void => {
      socket.destroy();
      resolve(isLive);
    };
    socket.setTimeout(probeMs, () => settle(true));
    socket.once('connect', () => settle(true));
    socket.once('error', (error: NodeJS.ErrnoException) =>
      settle(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    );
  });
}

function absent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
