/**
 * One provider's cloud, as the cloud actor sees it. Every call rejects with a `Fault` (`cloud.*`) and nothing else, has
 * a deadline of its own, and is made once: pace, retries and waiting belong to the actor (reference 14).
 */
import type { AddressId, FlavorId, ImageId, NetworkId, PortId, ServerId, Tag } from '../domain/ids.js';
import type { Provider } from '../domain/pool-config.js';

export interface CloudPort {
  /**
   * Asks for one server; its id is known long before it runs. `cloud.timeout`, `cloud.unreachable` and `cloud.error`
   * leave the outcome in doubt: look for the tag in a later list before asking again.
   */
  createServer(spec: ServerSpec, call: CallOptions): Promise<ServerId>;
  /** Every server of the project, all pages. A page that fails fails the list: never a part of it (lesson 4). */
  listServers(call: CallOptions): Promise<readonly Server[]>;
  /** Null: the cloud says that there is no such server. */
  getServer(id: ServerId, call: CallOptions): Promise<Server | null>;
  /** Resolves when the cloud has accepted, or when there is no such server: asked, not gone. */
  deleteServer(id: ServerId, call: CallOptions): Promise<void>;
  listFlavors(call: CallOptions): Promise<readonly Flavor[]>;
  listImages(call: CallOptions): Promise<readonly CloudImage[]>;
  /** Empty where the catalogue has no network service. */
  listNetworks(call: CallOptions): Promise<readonly CloudNetwork[]>;
  quota(call: CallOptions): Promise<CloudQuota>;

  /**
   * Allocates a floating IP and attaches it to the server, which must have a fixed address. An address that could not
   * be attached is released again (lesson 6). After `cloud.timeout`, `cloud.unreachable` and `cloud.error` there may be
   * one all the same: look for it by server and tag in a later list.
   */
  createAddress(wish: AddressWish, call: CallOptions): Promise<CloudAddress>;
  attachAddress(address: AddressId, server: ServerId, call: CallOptions): Promise<void>;
  listAddresses(call: CallOptions): Promise<readonly CloudAddress[]>;
  /** Released whether or not it is attached (lesson 5). Resolves when there is no such address. */
  deleteAddress(id: AddressId, call: CallOptions): Promise<void>;

  /** `cloud.conflict` when there is one of that name. */
  createKeypair(key: KeypairSpec, call: CallOptions): Promise<void>;
  listKeypairs(call: CallOptions): Promise<readonly CloudKeypair[]>;
  deleteKeypair(name: string, call: CallOptions): Promise<void>;

  /** Ports of the project's networks; empty where the catalogue has no network service. */
  listPorts(call: CallOptions): Promise<readonly CloudPortOfNetwork[]>;
  deletePort(id: PortId, call: CallOptions): Promise<void>;

  /** The last lines that the machine wrote. Null: the cloud has none, or there is no such server. */
  consoleLog(server: ServerId, wish: { readonly lines: number }, call: CallOptions): Promise<string | null>;

  /** Asks for a snapshot of a server; the image is `active` long after. When it fails, the image vanishes. */
  createImage(server: ServerId, spec: ImageSpec, call: CallOptions): Promise<ImageId>;
  /** Null: the cloud says that there is no such image, or that it was deleted. */
  getImage(id: ImageId, call: CallOptions): Promise<CloudImage | null>;
  deleteImage(id: ImageId, call: CallOptions): Promise<void>;
  /**
   * Sends a file as an image. Its caller's signal ends it, as its deadline does, and what was begun is deleted then; an
   * image that even this could not delete is `queued` or `saving` and carries the properties.
   */
  uploadImage(spec: UploadSpec, call: UploadOptions): Promise<ImageId>;

  /** Ends kept-alive connections and worker threads, after the calls in hand. */
  close(): Promise<void>;
}

export interface CallOptions {
  readonly deadlineMs: number;
  /** Aborts reads; writes go on to their deadline, because their effect could not be called back. */
  readonly signal?: AbortSignal;
}

export interface ServerSpec {
  readonly name: string;
  readonly imageId: ImageId;
  readonly flavorId: FlavorId;
  readonly az: string | null;
  readonly networks: readonly ServerNetwork[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly keyName: string | null;
  readonly configDrive: boolean | null;
  /** By name or id. Empty: the cloud's default group. */
  readonly securityGroups: readonly string[];
  /** As it is to arrive in the machine. */
  readonly userData: string | null;
}

export interface ServerNetwork {
  readonly id: string | null;
  readonly portId: string | null;
  readonly fixedIp: string | null;
}

export interface Server {
  readonly id: ServerId;
  readonly name: string;
  /** As the cloud says it, in capitals: BUILD, ACTIVE, ERROR, DELETED… */
  readonly status: string;
  readonly addresses: readonly ServerAddress[];
  readonly az: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly keyName: string | null;
  /** What the cloud says about an ERROR. */
  readonly faultMessage: string | null;
}

export interface ServerAddress {
  /** Name of the network. */
  readonly network: string;
  readonly version: 4 | 6;
  readonly address: string;
  /** Null in clouds of 2014. */
  readonly kind: 'fixed' | 'floating' | null;
}

export interface Flavor {
  readonly id: FlavorId;
  readonly name: string;
  readonly ramMb: number;
  readonly cores: number;
}

export interface CloudImage {
  readonly id: ImageId;
  readonly name: string;
  /** In small letters: active, queued, saving, deleted… */
  readonly status: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface CloudNetwork {
  readonly id: NetworkId;
  readonly name: string;
  /** Where floating IPs come from. */
  readonly isExternal: boolean;
}

export interface CloudQuota {
  readonly servers: QuotaFigure | null;
  readonly cores: QuotaFigure | null;
  readonly ramMb: QuotaFigure | null;
  readonly addresses: QuotaFigure | null;
}

/** Null instead of it: the cloud does not say. */
export interface QuotaFigure {
  readonly used: number;
  /** Null: no limit. */
  readonly max: number | null;
}

export interface AddressWish {
  /** Name or id of an external network, or of a pool of 2014. Null: any. */
  readonly pool: string | null;
  readonly server: ServerId;
  readonly tag: Tag;
}

/** A floating IP. */
export interface CloudAddress {
  readonly id: AddressId;
  readonly ip: string;
  readonly serverId: ServerId | null;
  /** Null: not ours, or a cloud of 2014, where an address cannot carry one. */
  readonly tag: Tag | null;
}

export interface KeypairSpec {
  readonly name: string;
  /** One line, as in `authorized_keys`. */
  readonly publicKey: string;
}

export interface CloudKeypair {
  readonly name: string;
}

export interface CloudPortOfNetwork {
  readonly id: PortId;
  readonly serverId: ServerId | null;
  readonly name: string;
  /** In capitals: ACTIVE, DOWN, BUILD… */
  readonly status: string;
  readonly tag: Tag | null;
}

export interface ImageSpec {
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface UploadSpec {
  readonly name: string;
  /** Path of the file. */
  readonly file: string;
  /** qcow2, raw, vhd… */
  readonly diskFormat: string;
  /** bare, ovf… */
  readonly containerFormat: string;
  readonly properties: Readonly<Record<string, string>>;
}

export interface UploadOptions extends CallOptions {
  readonly onProgress?: (sentBytes: number, totalBytes: number) => void;
}

/** Makes the port of one provider. Makes no call: a cloud that is down must not disturb the start (lesson 24). */
export type OpenCloud = (provider: Provider) => CloudPort;
