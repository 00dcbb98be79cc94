/** Where each actor is found. Looked up at each send, so that an actor may come, go and come again meanwhile. */
import type { NodeId, NodeName, SnapshotId, SubnodeId } from '../domain/ids.js';
import type { Address } from '../runtime/actor.js';
import { address } from '../runtime/actor.js';
import type { CloudMessage } from './cloud.js';
import type { ConfigMessage } from './config.js';
import type { ControlMessage } from './control.js';
import type { DiskimageMessage } from './diskimage.js';
import type { EventsMessage } from './events.js';
import type { GaugesMessage } from './gauges.js';
import type { HistoryMessage } from './history.js';
import type { ImageMessage } from './image.js';
import type { JanitorMessage } from './janitor.js';
import type { JobsMessage } from './jobs.js';
import type { LedgerMessage } from './ledger.js';
import type { NodeMessage } from './node.js';
import type { NodesMessage } from './nodes.js';
import type { BuildPermitMessage } from './permits.js';
import type { PoolMessage } from './pool.js';
import type { SnapshotMessage } from './snapshot.js';
import type { StatsMessage } from './stats.js';
import type { StoreMessage } from './store.js';
import type { FollowerMessage } from './supervisors.js';
import type { SubnodeMessage } from './subnode.js';
import type { TargetMessage } from './target.js';

export const storeAddress: Address<StoreMessage> = address('store', '');
export const statsAddress: Address<StatsMessage> = address('stats', '');
export const gaugesAddress: Address<GaugesMessage> = address('gauges', '');
export const historyAddress: Address<HistoryMessage> = address('history', '');
export const ledgerAddress: Address<LedgerMessage> = address('ledger', '');
export const configAddress: Address<ConfigMessage> = address('config', '');
export const poolAddress: Address<PoolMessage> = address('pool', '');
export const jobsAddress: Address<JobsMessage> = address('jobs', '');
export const janitorAddress: Address<JanitorMessage> = address('janitor', '');
export const controlAddress: Address<ControlMessage> = address('control', '');
export const targetsAddress: Address<FollowerMessage> = address('targets', '');
export const providersAddress: Address<FollowerMessage> = address('providers', '');
export const demandsAddress: Address<FollowerMessage> = address('demand', '');
export const publishersAddress: Address<FollowerMessage> = address('events', '');

export const eventsAddress = (endpoint: string): Address<EventsMessage> => address('publisher', endpoint);
export const cloudAddress = (provider: string): Address<CloudMessage> => address('cloud', provider);
export const diskimagesAddress: Address<FollowerMessage> = address('diskimages', '');
export const diskimageAddress = (name: string): Address<DiskimageMessage> => address('diskimage', name);
export const nodesAddress = (provider: string): Address<NodesMessage> => address('nodes', provider);
export const imagesAddress = (provider: string): Address<FollowerMessage | BuildPermitMessage> =>
  address('images', provider);
export const snapshotAddress = (id: SnapshotId): Address<SnapshotMessage> => address('snapshot', id);
export const imageAddress = (provider: string, image: string): Address<ImageMessage> =>
  address('image', `${provider}/${image}`);
export const targetAddress = (name: string): Address<TargetMessage> => address('target', name);
export const nodeAddress = (id: NodeId): Address<NodeMessage> => address('node', id);
export const subnodeAddress = (id: SubnodeId): Address<SubnodeMessage> => address('subnode', id);
export const nodeNameAddress = (name: NodeName): Address<NodeMessage> => address('node-name', name);
