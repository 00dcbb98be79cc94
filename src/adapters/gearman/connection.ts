/** The way to a Gearman server: in the clear, or by TLS as Zuul's own server wants it. */
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { Fault } from '../../domain/fault.js';
import type { GearmanServer, GearmanTls } from '../../domain/pool-config.js';
import { troubleWords } from '../../domain/trouble.js';

export interface Connection {
  readonly socket: Socket;
  /** Of the socket: from then on it may be written to. */
  readonly ready: 'connect' | 'secureConnect';
}

/** Files are read at each question, so that a renewed certificate is used without a restart. */
export async function openConnection({ host, port, tls }: GearmanServer): Promise<Connection> {
  if (tls === undefined) return { socket: connect({ host, port }), ready: 'connect' };
  const options = await optionsOf(tls);
  return { socket: connectTls({ host, port, ...options }), ready: 'secureConnect' };
}

async function optionsOf({ caFile, certFile, keyFile, isLegacy }: GearmanTls): Promise<ConnectionOptions> {
  const [ca, cert, key] = await Promise.all([caFile, certFile, keyFile].map(contentOf));
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    // Zuul's certificates are made by an authority of its own, and bear any name: its own clients check no name either.
    ...(ca === undefined ? {} : { checkServerIdentity: () => undefined }),
    // OpenSSL of today refuses at its default level whatever TLS 1.0 needs.
    ...(isLegacy ? { minVersion: 'TLSv1' as const, ciphers: 'DEFAULT@SECLEVEL=0' } : {}),
  };
}

async function contentOf(file: string | null): Promise<Buffer | undefined> {
  if (file === null) return undefined;
  try {
    return await readFile(file);
  } catch (error) {
    throw new Fault('gearman.tls', `cannot read ${file}: ${troubleWords(error)}`, { cause: error });
  }
}

/** Whether it went wrong between TCP and the first byte of the server. */
export function isTlsTrouble(error: unknown): boolean {
  const { code = '' } = error as { code?: string };
  return /^ERR_(SSL|TLS|OSSL)_|CERT|^UNABLE_TO_|SELF_SIGNED|^EPROTO$/.test(code);
}
