import ssh2, { type Client, type ConnectConfig, type ParsedKey, type PublicKeyAuthMethod } from 'ssh2';

import { Fault, type FaultKind } from '../../domain/fault.js';
import { troubleWords } from '../../domain/trouble.js';
import type { ShellLogin } from '../../ports/shell.js';
import { hostKeyAlgorithms, hostKeyText } from './host-key.js';

/** A machine that has let us in. */
export interface Connection {
  readonly client: Client;
  readonly hostKey: string;
  /** Resolves when it is lost: by the other side, at its deadline, or because it is not wanted any more. */
  readonly lost: Promise<Fault>;
  end(): void;
}

export interface Bounds {
  readonly loginMs: number;
  /** From the login on; null: what comes after it has to be done in the time of the login. */
  readonly workMs: number | null;
  readonly stop: AbortSignal;
}

/** A machine that went away without a word is noticed after a minute. */
const KEEPALIVE_MS = 15_000;
const KEEPALIVES_MAX = 4;

/** One attempt to log in. A fault is a value here: the caller decides whether to try again. */
export function connectTo(login: ShellLogin, privateKey: ParsedKey, bounds: Bounds): Promise<Connection | Fault> {
  return new Promise(resolve => {
    const client = new ssh2.Client();
    let hostKey: string | null = null;
    let tellLost: (fault: Fault) => void = () => undefined;
    const lost = new Promise<Fault>(resolveLost => (tellLost = resolveLost));
    const expireAfter = (ms: number, what: string): NodeJS.Timeout =>
      setTimeout(() => {
        fail('ssh.timeout', `${what} within ${Math.round(ms)} ms`);
      }, ms);
    let timer = expireAfter(bounds.loginMs, 'no login');

    const end = (): void => {
      clearTimeout(timer);
      bounds.stop.removeEventListener('abort', onStop);
      client.destroy();
    };
    const fail = (kind: FaultKind, words: string, cause?: unknown): void => {
      const fault = new Fault(kind, `${addressOf(login)}: ${words}`, { cause });
      end();
      // One of the two is the first to settle; the other says nothing new.
      resolve(fault);
      tellLost(fault);
    };
    const onStop = (): void => {
      fail('ssh.timeout', 'it was no longer wanted');
    };
    if (bounds.stop.aborted) onStop();
    bounds.stop.addEventListener('abort', onStop, { once: true });

    // Stays for the life of the client: a reset after the answer would otherwise end the thread.
    client.on('error', error => {
      const isOtherKey = hostKey !== null && login.hostKey !== null && hostKey !== login.hostKey;
      if (isOtherKey) fail('ssh.host-key', `host key ${hostKey}, recorded was ${login.hostKey}`, error);
      else if (kindOf(error) === 'ssh.auth') fail('ssh.auth', 'it does not let this user in with this key', error);
      else fail(kindOf(error), troubleWords(error), error);
    });
    client.on('close', () => {
      fail('ssh.unreachable', 'the connection was closed');
    });
    client.on('ready', () => {
      if (hostKey === null) {
        fail('ssh.protocol', 'the machine logged us in without a host key');
        return;
      }
      if (bounds.workMs !== null) {
        clearTimeout(timer);
        timer = expireAfter(bounds.workMs, 'not done');
      }
      resolve({ client, hostKey, lost, end });
    });
    const verifyHostKey = (key: Buffer): boolean => {
      hostKey = hostKeyText(key);
      return login.hostKey === null || login.hostKey === hostKey;
    };
    try {
      client.connect(connectConfig(login, privateKey, verifyHostKey));
      // Without it each small packet waits for the delayed acknowledgement of the one before: 40 ms, some thirty times.
      client.setNoDelay(true);
    } catch (error) {
      fail('ssh.protocol', troubleWords(error), error);
    }
  });
}

export function addressOf(login: ShellLogin): string {
  return `${login.username}@${login.host}:${login.port}`;
}

/** Nothing but the configured key: no agent, no password, no keys of the home directory (lesson 127). */
function connectConfig(
  login: ShellLogin,
  privateKey: ParsedKey,
  hostVerifier: (key: Buffer) => boolean,
): ConnectConfig {
  const publicKey: PublicKeyAuthMethod = { type: 'publickey', username: login.username, key: privateKey };
  return {
    host: login.host,
    port: login.port,
    username: login.username,
    authHandler: [publicKey],
    hostVerifier,
    // The attempt has a clock of its own.
    readyTimeout: 0,
    keepaliveInterval: KEEPALIVE_MS,
    keepaliveCountMax: KEEPALIVES_MAX,
    ...(login.hostKey === null ? {} : hostKeyAlgorithms(login.hostKey)),
  };
}

function kindOf(error: Error & { readonly level?: unknown; readonly code?: unknown }): FaultKind {
  switch (error.level) {
    case 'client-authentication':
      return 'ssh.auth';
    case 'client-timeout':
      return 'ssh.timeout';
    case 'client-socket':
      return error.code === 'ETIMEDOUT' ? 'ssh.timeout' : 'ssh.unreachable';
    case 'protocol':
    case 'handshake':
      return 'ssh.protocol';
    default:
      return 'ssh.unreachable';
  }
}
