/**
 * A cloud in memory, in the time of the clock that it is given. It keeps the promises of the port (the contract suite
 * runs over it), and does what clouds do: boots slowly, lists what is no longer so, keeps deleted servers for a while.
 */
import { Fault, type FaultKind } from '../../src/domain/fault.js';
import {
  addressId,
  flavorId,
  imageId,
  networkId,
  portId,
  serverId,
  type AddressId,
  type ImageId,
  type PortId,
  type ServerId,
  type Tag,
} from '../../src/domain/ids.js';
import type {
  AddressWish,
  CallOptions,
  CloudAddress,
  CloudImage,
  CloudKeypair,
  CloudNetwork,
  CloudPort,
  CloudPortOfNetwork,
  CloudQuota,
  Flavor,
  ImageSpec,
  KeypairSpec,
  Server,
  ServerAddress,
  ServerSpec,
  UploadOptions,
  UploadSpec,
} from '../../src/ports/cloud.js';
import type { Clock } from '../../src/runtime/clock.js';
import { systemClock } from '../../src/runtime/clock.js';

export type CloudOp = Exclude<keyof CloudPort, 'close'>;

const ops: readonly CloudOp[] = [
  ...(['createServer', 'listServers', 'getServer', 'deleteServer', 'listFlavors', 'listNetworks', 'quota'] as const),
  ...(['createAddress', 'attachAddress', 'listAddresses', 'deleteAddress', 'consoleLog'] as const),
  ...(['createKeypair', 'listKeypairs', 'deleteKeypair', 'listPorts', 'deletePort'] as const),
  ...(['createImage', 'listImages', 'getImage', 'deleteImage', 'uploadImage'] as const),
];

/** What befalls one call. */
export type Trouble =
  /** Fails, without effect. */
  | Fault
  /** Takes effect, and fails all the same. */
  | { readonly loseReply: Fault }
  /** Takes so long; beyond the deadline the caller gets `cloud.timeout`, and the effect comes late. */
  | { readonly delayMs: number }
  /** No effect, and `cloud.timeout` at the deadline. */
  | 'hang';

export interface FakeCloudOptions {
  readonly clock?: Pick<Clock, 'now' | 'after'>;
  readonly images?: readonly string[];
  readonly flavors?: readonly { readonly name: string; readonly ramMb: number; readonly cores?: number }[];
  readonly azs?: readonly string[];
  /** From create to ACTIVE. */
  readonly bootMs?: number;
  /** From the accepted delete until the server is gone. */
  readonly deleteMs?: number;
  /** Of each call. */
  readonly latencyMs?: number;
  /** How old a list is when it arrives. */
  readonly listLagMs?: number;
  readonly serversMax?: number;
  readonly addressesMax?: number;
  readonly networks?: readonly Omit<CloudNetwork, 'id'>[];
  /** Whether servers have private addresses alone, until they get a floating one. */
  readonly isPrivate?: boolean;
  /** From createImage until the image is active. */
  readonly snapshotMs?: number;
  /** From createAddress until the server's record shows the address. */
  readonly addressMs?: number;
  /** Ids are unlike those of another cloud only where this differs. */
  readonly idPrefix?: string;
}

export interface RecordedCall {
  readonly op: CloudOp;
  readonly atMs: number;
  /** The spec, the id or the name that it was asked with. */
  readonly subject: ServerSpec | AddressWish | KeypairSpec | ImageSpec | UploadSpec | string | null;
}

interface Machine {
  readonly id: ServerId;
  readonly name: string;
  readonly spec: Pick<ServerSpec, 'metadata' | 'keyName' | 'az' | 'networks'> & {
    readonly flavorId: ServerSpec['flavorId'] | null;
  };
  readonly createdMs: number;
  readonly activeMs: number;
  readonly address: string;
  failure: string | null;
  goneMs: number | null;
  console: string | null;
}

interface FloatingIp {
  readonly id: AddressId;
  readonly ip: string;
  readonly tag: Tag | null;
  serverId: ServerId | null;
  attachedMs: number;
}

interface Snapshot {
  image: CloudImage;
  /** It stays like this, whatever the time. */
  isStuck?: boolean;
  readonly activeMs: number;
}

export class FakeCloud implements CloudPort {
  bootMs: number;
  deleteMs: number;
  latencyMs: number;
  listLagMs: number;
  serversMax: number;
  addressesMax: number;
  isPrivate: boolean;
  /** Whether servers have an IPv6 address too. */
  hasIpv6 = false;
  snapshotMs: number;
  addressMs: number;
  /** Those that are there from the beginning, and uploaded ones; snapshots are apart, because they take time. */
  readonly images: CloudImage[];
  readonly networks: CloudNetwork[];
  readonly keypairs = new Map<string, string>();
  /** Ports that belong to no server of this cloud. */
  readonly strayPorts: CloudPortOfNetwork[] = [];
  readonly flavors: Flavor[];
  readonly azs: string[];
  /** Zones in which no host has room, or none for one flavor, as `nova/flavor-1`: servers there go to ERROR. */
  readonly fullZones = new Set<string>();
  readonly calls: RecordedCall[] = [];
  isClosed = false;
  /** What befalls a call of which nothing was said. */
  whim: (op: CloudOp) => Trouble | null = () => null;
  /** Lists of servers come in two pages, newest first: the second one is read when the first has long been sent. */
  isPaged = false;
  /** Servers tell of no key pair, whatever they were made with. */
  hidesKeyNames = false;
  /** The most servers that there ever were at once. */
  serversPeak = 0;

  readonly #clock: Pick<Clock, 'now' | 'after'>;
  readonly #machines = new Map<ServerId, Machine>();
  readonly #addresses = new Map<AddressId, FloatingIp>();
  readonly #snapshots = new Map<ImageId, Snapshot>();
  readonly #next = new Map<CloudOp, Trouble[]>();
  readonly #always = new Map<CloudOp, Trouble>();
  readonly #inHand = new Set<Promise<unknown>>();
  readonly #idPrefix: string;
  #made = 0;

  constructor(options: FakeCloudOptions = {}) {
    this.#idPrefix = options.idPrefix ?? 'server';
    this.#clock = options.clock ?? systemClock;
    this.azs = [...(options.azs ?? ['nova'])];
    this.bootMs = options.bootMs ?? 0;
    this.deleteMs = options.deleteMs ?? 0;
    this.latencyMs = options.latencyMs ?? 0;
    this.listLagMs = options.listLagMs ?? 0;
    this.serversMax = options.serversMax ?? Infinity;
    this.addressesMax = options.addressesMax ?? Infinity;
    this.isPrivate = options.isPrivate ?? false;
    this.snapshotMs = options.snapshotMs ?? 0;
    this.addressMs = options.addressMs ?? 0;
    this.networks = (options.networks ?? usualNetworks(this.isPrivate)).map((network, index) => ({
      ...network,
      id: networkId(`network-${index + 1}`),
    }));
    this.images = (options.images ?? ['img']).map(name => fakeImage(name));
    this.flavors = (options.flavors ?? [{ name: 'm1.medium', ramMb: 8192 }]).map((flavor, index) => ({
      cores: Math.ceil(flavor.ramMb / 2048),
      ...flavor,
      id: flavorId(`flavor-${index + 1}`),
    }));
  }

  /** The next call of this kind meets this trouble; several are met in order. */
  next(op: CloudOp, ...troubles: Trouble[]): void {
    this.#next.set(op, [...(this.#next.get(op) ?? []), ...troubles]);
  }

  /** Every call of this kind meets it, after those of `next`, until null. */
  always(op: CloudOp | readonly CloudOp[], trouble: Trouble | null): void {
    for (const one of typeof op === 'string' ? [op] : op) {
      if (trouble === null) this.#always.delete(one);
      else this.#always.set(one, trouble);
    }
  }

  /** All calls fail, as of a cloud that is away; null brings it back. */
  down(kind: FaultKind | null = 'cloud.unreachable'): void {
    this.always(ops, kind === null ? null : new Fault(kind, 'the fake cloud is down'));
  }

  /** The truth of this moment, without lag. */
  get servers(): readonly Server[] {
    return this.#serversAt(this.#clock.now());
  }

  callsOf(op: CloudOp): readonly RecordedCall[] {
    return this.calls.filter(call => call.op === op);
  }

  /** The server goes to ERROR. */
  fail(id: ServerId, message = 'No valid host was found.'): void {
    this.#machine(id).failure = message;
  }

  /** The server is gone, and nobody asked for it. */
  vanish(id: ServerId): void {
    this.#machine(id).goneMs = this.#clock.now();
  }

  /** The floating IPs of this moment. */
  get addresses(): readonly CloudAddress[] {
    return [...this.#addresses.values()].map(({ id, ip, tag, serverId }) => ({ id, ip, tag, serverId }));
  }

  /** A floating IP that nobody asked for here; attached to nothing. */
  addAddress(mark: Tag | null = null): AddressId {
    return this.#allocate(mark).id;
  }

  /** What the machine wrote on its console; null for a cloud that has no consoles. */
  writeConsole(id: ServerId, text: string | null): void {
    this.#machine(id).console = text;
  }

  /** The snapshot fails: the image vanishes, as Nova lets it. */
  failSnapshot(id: ImageId): void {
    this.#snapshots.delete(id);
  }

  /** A server of somebody else in the same project. */
  addForeign(name: string, metadata: Readonly<Record<string, string>> = {}): ServerId {
    return this.#make({ name, spec: { metadata, keyName: null, az: null, networks: [], flavorId: null } });
  }

  createServer(spec: ServerSpec, call: CallOptions): Promise<ServerId> {
    return this.#call('createServer', spec, { deadlineMs: call.deadlineMs }, () => {
      if (this.servers.length >= this.serversMax) throw new Fault('cloud.quota', 'Quota exceeded for instances');
      if (!this.#imagesNow().some(image => image.id === spec.imageId)) throw refused(`no image ${spec.imageId}`);
      if (!this.flavors.some(flavor => flavor.id === spec.flavorId)) throw refused(`no flavor ${spec.flavorId}`);
      if (spec.az !== null && !this.azs.includes(spec.az)) throw new Fault('cloud.no-zone', `no zone ${spec.az}`);
      if (spec.keyName !== null && !this.keypairs.has(spec.keyName)) throw refused('Invalid key_name provided.');
      for (const { id } of spec.networks) {
        if (id === null || this.networks.some(network => network.id === id)) continue;
        throw new Fault('cloud.no-network', `no network ${id}`);
      }
      return this.#make({ name: spec.name, spec });
    });
  }

  listServers(call: CallOptions): Promise<readonly Server[]> {
    const list = (): readonly Server[] => this.#serversAt(this.#clock.now() - this.listLagMs);
    const atFirst = this.isPaged ? list() : [];
    return this.#call('listServers', null, call, () => (this.isPaged ? this.#inPages(atFirst, list()) : list()));
  }

  getServer(id: ServerId, call: CallOptions): Promise<Server | null> {
    return this.#call('getServer', id, call, () => this.servers.find(server => server.id === id) ?? null);
  }

  deleteServer(id: ServerId, call: CallOptions): Promise<void> {
    return this.#call('deleteServer', id, { deadlineMs: call.deadlineMs }, () => {
      const machine = this.#machines.get(id);
      if (machine !== undefined) machine.goneMs ??= this.#clock.now() + this.deleteMs;
    });
  }

  listFlavors(call: CallOptions): Promise<readonly Flavor[]> {
    return this.#call('listFlavors', null, call, () => [...this.flavors]);
  }

  listImages(call: CallOptions): Promise<readonly CloudImage[]> {
    return this.#call('listImages', null, call, () => this.#imagesNow());
  }

  listNetworks(call: CallOptions): Promise<readonly CloudNetwork[]> {
    return this.#call('listNetworks', null, call, () => [...this.networks]);
  }

  quota(call: CallOptions): Promise<CloudQuota> {
    return this.#call('quota', null, call, () => ({
      servers: { used: this.servers.length, max: finite(this.serversMax) },
      cores: { used: this.#usedOf('cores'), max: null },
      ramMb: { used: this.#usedOf('ramMb'), max: null },
      addresses: { used: this.#addresses.size, max: finite(this.addressesMax) },
    }));
  }

  createAddress(wish: AddressWish, call: CallOptions): Promise<CloudAddress> {
    return this.#call('createAddress', wish, { deadlineMs: call.deadlineMs }, () => {
      const pools = this.networks.filter(network => network.isExternal);
      const isPool = pools.some(({ id, name }) => wish.pool === null || wish.pool === id || wish.pool === name);
      if (!isPool) throw new Fault('cloud.no-address', `no pool ${wish.pool}`);
      if (!this.#hasPort(wish.server)) throw new Fault('cloud.no-address', `server ${wish.server} has no port`);
      if (this.#addresses.size >= this.addressesMax) throw new Fault('cloud.quota', 'Quota exceeded for floatingip');
      const address = this.#allocate(wish.tag);
      address.serverId = wish.server;
      address.attachedMs = this.#clock.now();
      return { id: address.id, ip: address.ip, tag: address.tag, serverId: address.serverId };
    });
  }

  attachAddress(id: AddressId, server: ServerId, call: CallOptions): Promise<void> {
    return this.#call('attachAddress', id, { deadlineMs: call.deadlineMs }, () => {
      const address = this.#addresses.get(id);
      if (address === undefined) throw new Fault('cloud.not-found', `no address ${id}`);
      if (!this.#hasPort(server)) throw new Fault('cloud.no-address', `server ${server} has no port`);
      address.serverId = server;
      address.attachedMs = this.#clock.now();
    });
  }

  /** An address outlives its server, attached to nothing then. */
  listAddresses(call: CallOptions): Promise<readonly CloudAddress[]> {
    return this.#call('listAddresses', null, call, () => {
      for (const address of this.#addresses.values()) {
        if (address.serverId !== null && !this.#hasPort(address.serverId)) address.serverId = null;
      }
      return this.addresses;
    });
  }

  deleteAddress(id: AddressId, call: CallOptions): Promise<void> {
    return this.#call('deleteAddress', id, { deadlineMs: call.deadlineMs }, () => void this.#addresses.delete(id));
  }

  createKeypair(key: KeypairSpec, call: CallOptions): Promise<void> {
    return this.#call('createKeypair', key, { deadlineMs: call.deadlineMs }, () => {
      if (this.keypairs.has(key.name)) throw new Fault('cloud.conflict', `Key pair '${key.name}' already exists.`);
      this.keypairs.set(key.name, key.publicKey);
    });
  }

  listKeypairs(call: CallOptions): Promise<readonly CloudKeypair[]> {
    return this.#call('listKeypairs', null, call, () => [...this.keypairs.keys()].map(name => ({ name })));
  }

  deleteKeypair(name: string, call: CallOptions): Promise<void> {
    return this.#call('deleteKeypair', name, { deadlineMs: call.deadlineMs }, () => void this.keypairs.delete(name));
  }

  listPorts(call: CallOptions): Promise<readonly CloudPortOfNetwork[]> {
    return this.#call('listPorts', null, call, () => [
      ...this.servers.map(server => ({
        id: portId(`port-of-${server.id}`),
        serverId: server.id,
        name: '',
        status: server.status === 'ACTIVE' ? 'ACTIVE' : 'DOWN',
        tag: null,
      })),
      ...this.strayPorts,
    ]);
  }

  deletePort(id: PortId, call: CallOptions): Promise<void> {
    return this.#call('deletePort', id, { deadlineMs: call.deadlineMs }, () => {
      const at = this.strayPorts.findIndex(port => port.id === id);
      if (at >= 0) this.strayPorts.splice(at, 1);
    });
  }

  consoleLog(id: ServerId, { lines }: { readonly lines: number }, call: CallOptions): Promise<string | null> {
    return this.#call('consoleLog', id, call, () => {
      const written = this.servers.some(server => server.id === id) ? this.#machine(id).console : null;
      return written === null ? null : written.split('\n').slice(-lines).join('\n');
    });
  }

  /** Images that somebody made here: snapshots, and what was sent. */
  get ownImages(): readonly CloudImage[] {
    const snapshots = new Set(this.#snapshots.keys());
    return this.#imagesNow().filter(({ id, metadata }) => snapshots.has(id) || Object.keys(metadata).length > 0);
  }

  /** The snapshot is like this from now on. */
  setImageStatus(id: ImageId, status: string): void {
    const snapshot = this.#snapshots.get(id);
    if (snapshot === undefined) throw new Error(`the fake cloud has no snapshot ${id}`);
    snapshot.image = { ...snapshot.image, status };
    snapshot.isStuck = true;
  }

  createImage(server: ServerId, spec: ImageSpec, call: CallOptions): Promise<ImageId> {
    return this.#call('createImage', spec, { deadlineMs: call.deadlineMs }, () => {
      const found = this.servers.find(each => each.id === server);
      if (found === undefined) throw new Fault('cloud.not-found', `no server ${server}`);
      if (found.status !== 'ACTIVE') throw new Fault('cloud.conflict', `server ${server} is ${found.status}`);
      const id = this.#imageId();
      const image = { id, name: spec.name, status: 'saving', metadata: { ...spec.metadata } };
      this.#snapshots.set(id, { image, activeMs: this.#clock.now() + this.snapshotMs });
      return id;
    });
  }

  getImage(id: ImageId, call: CallOptions): Promise<CloudImage | null> {
    return this.#call('getImage', id, call, () => this.#imagesNow().find(image => image.id === id) ?? null);
  }

  deleteImage(id: ImageId, call: CallOptions): Promise<void> {
    return this.#call('deleteImage', id, { deadlineMs: call.deadlineMs }, () => {
      this.#snapshots.delete(id);
      const at = this.images.findIndex(image => image.id === id);
      if (at >= 0) this.images.splice(at, 1);
    });
  }

  /** What is told while a file is sent. */
  onUpload: (told: (sentBytes: number, totalBytes: number) => void) => void = () => undefined;

  uploadImage(spec: UploadSpec, call: UploadOptions): Promise<ImageId> {
    this.onUpload((sent, total) => call.onProgress?.(sent, total));
    return this.#call('uploadImage', spec, call, () => {
      const id = this.#imageId();
      this.images.push({ id, name: spec.name, status: 'active', metadata: { ...spec.properties } });
      call.onProgress?.(1, 1);
      return id;
    });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await Promise.allSettled(this.#inHand);
  }

  #call<T>(op: CloudOp, subject: RecordedCall['subject'], call: CallOptions, effect: () => T): Promise<T> {
    this.calls.push({ op, subject, atMs: this.#clock.now() });
    const trouble = this.#next.get(op)?.shift() ?? this.#always.get(op) ?? this.whim(op);
    const running = this.#perform(op, trouble, call, effect).finally(() => this.#inHand.delete(running));
    this.#inHand.add(running);
    return running;
  }

  async #perform<T>(op: CloudOp, trouble: Trouble | null, call: CallOptions, effect: () => T): Promise<T> {
    if (this.isClosed) throw new Fault('cloud.unreachable', `${op}: the fake cloud was closed`);
    const delayMs = trouble !== null && trouble !== 'hang' && 'delayMs' in trouble ? trouble.delayMs : this.latencyMs;
    const takesMs = trouble === 'hang' ? Infinity : delayMs;
    if (takesMs > call.deadlineMs && takesMs !== Infinity) this.#clock.after(takesMs, () => attempt(effect));
    await this.#pass(op, Math.min(takesMs, call.deadlineMs), call.signal);
    if (takesMs > call.deadlineMs) throw new Fault('cloud.timeout', `${op}: no answer within ${call.deadlineMs} ms`);
    if (trouble instanceof Fault) throw copyOf(trouble);
    const result = effect();
    if (trouble !== null && trouble !== 'hang' && 'loseReply' in trouble) throw copyOf(trouble.loseReply);
    return result;
  }

  async #pass(op: CloudOp, ms: number, signal: AbortSignal | undefined): Promise<void> {
    const aborted = (): Fault => new Fault('cloud.timeout', `${op}: no longer wanted by its caller`);
    if (signal?.aborted === true) throw aborted();
    if (ms === 0) return;
    let onAbort = (): void => undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const cancel = this.#clock.after(ms, resolve);
        onAbort = () => {
          cancel();
          reject(aborted());
        };
        signal?.addEventListener('abort', onAbort, { once: true });
      });
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #make({ name, spec }: Pick<Machine, 'name' | 'spec'>): ServerId {
    this.#made += 1;
    const id = serverId(`${this.#idPrefix}-${this.#made}`);
    const createdMs = this.#clock.now();
    const address = `192.0.${2 + (this.#made >> 8)}.${this.#made & 255}`;
    const machine = { id, name, spec, createdMs, activeMs: createdMs + this.bootMs, address };
    const zone = spec.az ?? 'nova';
    const isFull = this.fullZones.has(zone) || this.fullZones.has(`${zone}/${spec.flavorId}`);
    const failure = isFull ? 'No valid host was found.' : null;
    this.#machines.set(id, { ...machine, failure, goneMs: null, console: `${name} login:` });
    this.serversPeak = Math.max(this.serversPeak, this.servers.length);
    return id;
  }

  #machine(id: ServerId): Machine {
    const machine = this.#machines.get(id);
    if (machine === undefined) throw new Error(`the fake cloud never had a server ${id}`);
    return machine;
  }

  #serversAt(ms: number): readonly Server[] {
    return [...this.#machines.values()]
      .filter(machine => machine.createdMs <= ms && (machine.goneMs === null || machine.goneMs > ms))
      .map(machine => viewOf(machine, ms, this.#addressesOf(machine, ms)))
      .map(server => (this.hidesKeyNames ? { ...server, keyName: null } : server));
  }

  /** The newer half as it was then, and of those that are older than its last one what there is now. */
  #inPages(then: readonly Server[], now: readonly Server[]): readonly Server[] {
    const first = then.slice(Math.floor(then.length / 2));
    const [marker] = first;
    if (!marker) return now;
    const order = [...this.#machines.keys()];
    return [...first, ...now.filter(({ id }) => order.indexOf(id) < order.indexOf(marker.id))];
  }

  #addressesOf(machine: Machine, ms: number): readonly ServerAddress[] {
    const asked = machine.spec.networks[0]?.id ?? null;
    const isIts = ({ id, isExternal }: CloudNetwork): boolean => (asked === null ? !isExternal : id === asked);
    const network = this.networks.find(isIts)?.name ?? 'public';
    const own = this.isPrivate ? machine.address.replace('192.0.', '10.0.') : machine.address;
    const fixed: ServerAddress = { network, version: 4, address: own, kind: 'fixed' };
    const floating = [...this.#addresses.values()].filter(
      address => address.serverId === machine.id && address.attachedMs + this.addressMs <= ms,
    );
    const ipv6: ServerAddress[] = this.hasIpv6
      ? [{ network, version: 6, address: `2001:db8::${machine.address.split('.').at(-1)}`, kind: 'fixed' }]
      : [];
    return [fixed, ...ipv6, ...floating.map(({ ip }) => ({ ...fixed, address: ip, kind: 'floating' as const }))];
  }

  #imagesNow(): CloudImage[] {
    const now = this.#clock.now();
    const snapshots = [...this.#snapshots.values()];
    return [
      ...this.images,
      ...snapshots.map(({ image, activeMs, isStuck }) =>
        now >= activeMs && isStuck !== true ? { ...image, status: 'active' } : image,
      ),
    ];
  }

  #imageId(): ImageId {
    this.#made += 1;
    return imageId(`image-${this.#made}`);
  }

  #allocate(mark: Tag | null): FloatingIp {
    this.#made += 1;
    const id = addressId(`address-${this.#made}`);
    const ip = `198.51.${100 + (this.#made >> 8)}.${this.#made & 255}`;
    const address: FloatingIp = { id, ip, tag: mark, serverId: null, attachedMs: 0 };
    this.#addresses.set(id, address);
    return address;
  }

  #hasPort(id: ServerId): boolean {
    return this.servers.some(server => server.id === id && server.addresses.length > 0);
  }

  #usedOf(what: 'cores' | 'ramMb'): number {
    return this.servers.reduce((sum, { id }) => {
      const { flavorId: flavor } = this.#machine(id).spec;
      return sum + (this.flavors.find(each => each.id === flavor)?.[what] ?? 0);
    }, 0);
  }
}

function usualNetworks(isPrivate: boolean): readonly Omit<CloudNetwork, 'id'>[] {
  return [
    { name: isPrivate ? 'private' : 'public', isExternal: false },
    { name: 'ext', isExternal: true },
  ];
}

function finite(limit: number): number | null {
  return Number.isFinite(limit) ? limit : null;
}

export function fakeImage(name: string, status = 'active'): CloudImage {
  return { id: imageId(`image-${name}`), name, status, metadata: {} };
}

function viewOf(machine: Machine, ms: number, addresses: readonly ServerAddress[]): Server {
  const isActive = ms >= machine.activeMs;
  return {
    id: machine.id,
    name: machine.name,
    status: machine.failure !== null ? 'ERROR' : isActive ? 'ACTIVE' : 'BUILD',
    addresses: isActive && machine.failure === null ? addresses : [],
    az: machine.spec.az ?? 'nova',
    metadata: { ...machine.spec.metadata },
    keyName: machine.spec.keyName,
    faultMessage: machine.failure,
  };
}

function refused(message: string): Fault {
  return new Fault('cloud.refused', message);
}

/** Each caller gets a fault of its own, with its own stack. */
function copyOf(fault: Fault): Fault {
  return new Fault(fault.kind, fault.message, { cause: fault, retryAfterMs: fault.retryAfterMs });
}

/** An effect that comes after its caller has gone: a refusal has nobody to go to. */
function attempt(effect: () => unknown): void {
  try {
    effect();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
}
