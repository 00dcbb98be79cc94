/**
 * The question `status` of Gearman's admin protocol: a connection for each question, so that there is no dead
 * connection to keep, and an answer only if its final `.` was seen.
 */
import { Fault, type FaultKind } from '../../domain/fault.js';
import type { GearmanServer } from '../../domain/pool-config.js';
import { troubleWords } from '../../domain/trouble.js';
import type { DemandSource, QueueStatus } from '../../ports/demand.js';
import { isTlsTrouble, openConnection, type Connection } from './connection.js';
import { StatusReader } from './status-reader.js';

export function openGearman(): DemandSource {
  return { status: askStatus };
}

async function askStatus(server: GearmanServer, call: Call): Promise<QueueStatus> {
  const where = `gearman ${server.host}:${server.port}`;
  if (call.signal?.aborted === true) throw new Fault('gearman.timeout', `${where}: the caller gave up`);
  return question(await connectionTo(server, where), where, call);
}

/** Only files of ours can be wrong before there is a socket. */
async function connectionTo(server: GearmanServer, where: string): Promise<Connection> {
  try {
    return await openConnection(server);
  } catch (error) {
    const kind = error instanceof Fault ? error.kind : isTlsTrouble(error) ? 'gearman.tls' : 'gearman.unreachable';
    throw new Fault(kind, `${where}: ${troubleWords(error)}`, { cause: error });
  }
}

interface Call {
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

function question({ socket, ready }: Connection, where: string, call: Call): Promise<QueueStatus> {
  return new Promise((resolve, reject) => {
    let isReady = false;
    const fail = (kind: FaultKind, text: string, cause?: unknown): void => {
      end();
      reject(new Fault(kind, `${where}: ${text}`, { cause }));
    };
    const reader = new StatusReader();
    const giveUp = (): void => fail('gearman.timeout', 'the caller gave up');
    const timer = setTimeout(
      () => fail('gearman.timeout', `no whole answer within ${call.deadlineMs} ms`),
      call.deadlineMs,
    );
    const end = (): void => {
      clearTimeout(timer);
      call.signal?.removeEventListener('abort', giveUp);
      // An error that follows is of no interest; without a listener it would end the process.
      socket
        .removeAllListeners()
        .on('error', () => undefined)
        .destroy();
    };

    call.signal?.addEventListener('abort', giveUp);
    if (call.signal?.aborted === true) return giveUp();
    socket.on(ready, () => {
      isReady = true;
      socket.write('status\n');
    });
    socket.on('data', chunk => {
      const outcome = reader.read(chunk);
      if (outcome === 'more') return;
      if (outcome === 'done') {
        end();
        resolve(reader.status());
      } else fail('gearman.bad-answer', outcome.wrong);
    });
    socket.on('error', error => {
      if (isTlsTrouble(error)) fail('gearman.tls', troubleWords(error), error);
      else fail(reader.hasBytes() ? 'gearman.bad-answer' : 'gearman.unreachable', troubleWords(error), error);
    });
    socket.on('close', () => {
      // With TLS 1.3 a server looks at our certificate after the handshake has ended here.
      if (ready === 'connect' || reader.hasBytes()) fail('gearman.bad-answer', 'closed before the final "."');
      else fail('gearman.tls', isReady ? 'closed at once: it may not know our certificate' : 'closed in the handshake');
    });
  });
}
