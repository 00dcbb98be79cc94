/** A Unix socket that takes datagrams, which Node.js has not: Python listens and passes them on. */
import { spawn } from 'node:child_process';
import { until } from './until.js';

export interface DatagramSocket {
  readonly path: string;
  /** What came so far. */
  readonly heard: readonly string[];
  close(): void;
}

const listener = `
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print(json.dumps("listening"), flush=True)
while True:
    print(json.dumps(s.recv(65536).decode()), flush=True)
`;

export async function openDatagramSocket(path: string): Promise<DatagramSocket> {
  const python = spawn('python3', ['-c', listener, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const heard: string[] = [];
  let unread = '';
  let isListening = false;
  python.stdout.on('data', (chunk: Buffer) => {
    const lines = (unread + chunk.toString('utf8')).split('\n');
    unread = lines.pop() ?? '';
    for (const line of lines) {
      if (isListening) heard.push(JSON.parse(line) as string);
      isListening = true;
    }
  });
  await until(() => isListening);
  return { path, heard, close: () => void python.kill() };
}
