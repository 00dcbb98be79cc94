import type { Concurrency, Provider } from '../../domain/pool-config.js';
import type { CallOptions, CloudPort, Server, UploadOptions } from '../../ports/cloud.js';
import type { ShellPort } from '../../ports/shell.js';
import type { CloudAccess } from '../openstack/cloud.js';
import { CallsInHand } from '../ssh/calls-in-hand.js';
import { WorkerPool, type CallTerms, type PoolOptions } from './pool.js';
import type { Call, CloudArgs, CloudOp, Result } from './request.js';
import { KnownServers } from './server-changes.js';

/** Each provider's threads, by its name: its cloud and its shell share them. */
export class WorkerPools {
  readonly #options: Omit<PoolOptions, 'threads'>;
  readonly #pools = new Map<string, WorkerPool>();
  readonly #threads = new Map<string, number>();

  constructor(options: Omit<PoolOptions, 'threads'> = {}) {
    this.#options = options;
  }

  of(providerName: string): WorkerPool {
    const pool = this.#pools.get(providerName);
    if (pool !== undefined) return pool;
    const opened = new WorkerPool({ ...this.#options, threads: this.#threads.get(providerName) ?? 1 });
    this.#pools.set(providerName, opened);
    return opened;
  }

  /** For `tune` and reload: at once for the calls to come, without loss of those in hand. */
  resize(providerName: string, concurrency: Pick<Concurrency, 'workers'>): void {
    this.#threads.set(providerName, concurrency.workers);
    this.#pools.get(providerName)?.resize(concurrency.workers);
  }

  /** After the calls in hand of all providers. */
  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map(pool => pool.close()));
  }
}

/** An ended thread leaves a create in doubt, which is what `cloud.error` and `cloud.timeout` mean. */
const cloudLost = { ended: 'cloud.error', silent: 'cloud.timeout' } as const;
const shellLost = { ended: 'ssh.unreachable', silent: 'ssh.timeout' } as const;

/** The cloud of one provider, in that provider's worker threads. */
export function openWorkerCloud(provider: Provider, pools: WorkerPools): CloudPort {
  pools.resize(provider.name, provider.concurrency);
  const pool = pools.of(provider.name);
  const access = accessOf(provider);
  const calls = new Set<Promise<unknown>>();
  const track = <T>(call: Promise<T>): Promise<T> => {
    const tracked = call.finally(() => calls.delete(tracked));
    calls.add(tracked);
    return tracked;
  };
  const known = new KnownServers();
  const listServers = async (call: CallOptions): Promise<readonly Server[]> => {
    const changes = await pool.run<'server-changes'>(
      { op: 'server-changes', access, known: known.version },
      asRead(call),
    );
    return known.apply(changes) ?? listServers(call);
  };
  const read = <Name extends CloudOp>(op: Name, args: CloudArgs<Name>, call: UploadOptions): Promise<Result<Name>> =>
    track(pool.run<Name>({ op, access, args } as unknown as Extract<Call, { op: Name }>, asRead(call)));
  /** Its effect could not be called back. */
  const write = <Name extends CloudOp>(op: Name, args: CloudArgs<Name>, call: CallOptions): Promise<Result<Name>> =>
    read(op, args, { deadlineMs: call.deadlineMs });
  return {
    createServer: (spec, call) => write('createServer', [spec], call),
    listServers: call => track(listServers(call)),
    getServer: (id, call) => read('getServer', [id], call),
    deleteServer: (id, call) => write('deleteServer', [id], call),
    listFlavors: call => read('listFlavors', [], call),
    listNetworks: call => read('listNetworks', [], call),
    quota: call => read('quota', [], call),
    createAddress: (wish, call) => write('createAddress', [wish], call),
    attachAddress: (id, server, call) => write('attachAddress', [id, server], call),
    listAddresses: call => read('listAddresses', [], call),
    deleteAddress: (id, call) => write('deleteAddress', [id], call),
    createKeypair: (key, call) => write('createKeypair', [key], call),
    listKeypairs: call => read('listKeypairs', [], call),
    deleteKeypair: (name, call) => write('deleteKeypair', [name], call),
    listPorts: call => read('listPorts', [], call),
    deletePort: (id, call) => write('deletePort', [id], call),
    consoleLog: (id, wish, call) => read('consoleLog', [id, wish], call),
    createImage: (id, spec, call) => write('createImage', [id, spec], call),
    listImages: call => read('listImages', [], call),
    getImage: (id, call) => read('getImage', [id], call),
    deleteImage: (id, call) => write('deleteImage', [id], call),
    uploadImage: (spec, call) => read('uploadImage', [spec], call),
    /** The threads end by themselves when the shell, or a new session of the provider, does not use them either. */
    async close() {
      await Promise.allSettled(calls);
    },
  };
}

/** SSH to the machines of one provider, in that provider's worker threads. */
export function openWorkerShell(providerName: string, pools: WorkerPools): ShellPort {
  const calls = new CallsInHand();
  return {
    check: (login, { deadlineMs, signal, files = [] }) =>
      calls.run(signal, stop =>
        pools
          .of(providerName)
          .run<'check'>({ op: 'check', login, files }, { deadlineMs, signal: stop, lost: shellLost }),
      ),
    work: (login, job, { loginDeadlineMs, deadlineMs, signal }) =>
      calls.run(signal, stop =>
        pools.of(providerName).run<'work'>(
          { op: 'work', login, job, loginDeadlineMs },
          // One after the other.
          { deadlineMs: loginDeadlineMs + deadlineMs, signal: stop, lost: shellLost },
        ),
      ),
    close: () => calls.end(),
  };
}

function asRead(call: UploadOptions): CallTerms {
  return { ...call, lost: cloudLost };
}

/** Not the whole provider: it has images and labels that would be copied with each call. */
function accessOf(provider: Provider): CloudAccess {
  const { name, credentials, regionName, serviceType, serviceName } = provider;
  return { name, credentials, regionName, serviceType, serviceName };
}
