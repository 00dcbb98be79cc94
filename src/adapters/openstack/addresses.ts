import type { AddressId, ServerId } from '../../domain/ids.js';
import type { AddressWish, CloudAddress } from '../../ports/cloud.js';
import type { Deadline } from './deadline.js';

/** Floating IPs, whichever service of the cloud keeps them. */
export interface FloatingAddresses {
  createAddress(wish: AddressWish, deadline: Deadline): Promise<CloudAddress>;
  attachAddress(id: AddressId, server: ServerId, deadline: Deadline): Promise<void>;
  listAddresses(deadline: Deadline): Promise<readonly CloudAddress[]>;
  deleteAddress(id: AddressId, deadline: Deadline): Promise<void>;
}
