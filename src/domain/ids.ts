/**
 * The identities that cross function boundaries. Each is a branded primitive, so that a server id cannot be passed
 * where a node name belongs. Clouds return ids as numbers or strings; they become strings at the border (lesson 29).
 */

declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** Row id of a node, unique in the database, given by the database. */
export type NodeId = Branded<number, 'NodeId'>;
/** Row id of a subnode. */
export type SubnodeId = Branded<number, 'SubnodeId'>;
/** Row id of a snapshot image. */
export type SnapshotId = Branded<number, 'SnapshotId'>;
/** Row id of a job whose nodes are kept when it fails. */
export type WatchedJobId = Branded<number, 'WatchedJobId'>;
/** The cloud's id of a server. */
export type ServerId = Branded<string, 'ServerId'>;
/** The cloud's id of an image. */
export type ImageId = Branded<string, 'ImageId'>;
/** The cloud's id of a flavor. */
export type FlavorId = Branded<string, 'FlavorId'>;
/** The cloud's id of a network. */
export type NetworkId = Branded<string, 'NetworkId'>;
/** The cloud's id of a port, which ties a server to a network. */
export type PortId = Branded<string, 'PortId'>;
/** The cloud's id of a floating IP. */
export type AddressId = Branded<string, 'AddressId'>;
/** Name of a node in Jenkins: the host name up to its first dot (reference 2.8). */
export type NodeName = Branded<string, 'NodeName'>;
/** The mark of one database and the daemon that works on it: unlike that of any other. */
export type Installation = Branded<string, 'Installation'>;
/** Our mark in a server's metadata and on its row: unique for each node row, made when the row is made (lesson 1). */
export type Tag = Branded<string, 'Tag'>;

export const nodeId = (value: number): NodeId => value as NodeId;
export const subnodeId = (value: number): SubnodeId => value as SubnodeId;
export const snapshotId = (value: number): SnapshotId => value as SnapshotId;
export const watchedJobId = (value: number): WatchedJobId => value as WatchedJobId;
export const serverId = (value: string | number): ServerId => String(value) as ServerId;
export const imageId = (value: string | number): ImageId => String(value) as ImageId;
export const flavorId = (value: string | number): FlavorId => String(value) as FlavorId;
export const networkId = (value: string | number): NetworkId => String(value) as NetworkId;
export const portId = (value: string | number): PortId => String(value) as PortId;
export const addressId = (value: string | number): AddressId => String(value) as AddressId;
export const nodeName = (value: string): NodeName => value as NodeName;
export const installation = (value: string): Installation => value as Installation;
export const tag = (value: string): Tag => value as Tag;
