/**
 * Ports for servers that go down and come back at the same one. The kernel gives whoever asks for any port, or connects, one
 * from 32768 up (Linux), so a port below that is free again when its server is back. Each process starts at a place of
 * its own, so that worlds side by side seldom meet.
 */
const first = 20_000;
const count = 12_000;

let next = (process.pid * 97) % count;

/** Calls `bind` with one port after the other until one is not taken (EADDRINUSE); rejects with any other error. */
export async function onOwnPort<T>(bind: (port: number) => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried++) {
    const port = first + next;
    next = (next + 1) % count;
    try {
      return await bind(port);
    } catch (error) {
      if (!isTaken(error) || tried === count) throw error;
    }
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}
