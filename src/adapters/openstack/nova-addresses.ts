import { Fault } from '../../domain/fault.js';
import { addressId, serverId, type AddressId, type ServerId } from '../../domain/ids.js';
import type { AddressWish, CloudAddress } from '../../ports/cloud.js';
import type { FloatingAddresses } from './addresses.js';
import type { Deadline } from './deadline.js';
import { idText, jsonList, jsonObject, text } from './decode.js';
import { assertGood, faultOf, isNotFound, jsonOf } from './faults.js';
import type { Nova } from './nova.js';
import type { Service } from './service.js';

/**
 * Floating IPs by Nova's own `os-floating-ips`, which it has below microversion 2.36: for clouds whose catalogue has no
 * network service. An address is allocated first and attached then, and carries no mark.
 */
export class NovaAddresses implements FloatingAddresses {
  readonly #nova: Nova;
  readonly #service: Service;

  constructor(nova: Nova) {
    this.#nova = nova;
    this.#service = nova.service;
  }

  async createAddress(wish: AddressWish, deadline: Deadline): Promise<CloudAddress> {
    const order = wish.pool === null ? {} : { pool: wish.pool };
    const answer = await this.#service.send('POST', '/os-floating-ips', deadline, order);
    if (isNotFound(answer)) {
      const where = wish.pool === null ? 'without a pool' : `from the pool ${wish.pool}`;
      throw new Fault('cloud.no-address', `no floating IP ${where}: ${faultOf(answer).message}`);
    }
    const address = decodeAddress(jsonOf(answer)['floating_ip']);
    try {
      await this.#attach(address, wish.server, deadline);
    } catch (error) {
      await this.#release(address, error, deadline);
      throw error;
    }
    return { ...address, serverId: wish.server };
  }

  async attachAddress(id: AddressId, server: ServerId, deadline: Deadline): Promise<void> {
    const { floating_ip: found } = await this.#service.object('GET', addressPath(id), deadline);
    await this.#attach(decodeAddress(found), server, deadline);
  }

  /** A cloud whose servers have addresses of their own may be without this API, and has no floating IPs then. */
  async listAddresses(deadline: Deadline): Promise<readonly CloudAddress[]> {
    const body = await this.#service.objectOrNull('/os-floating-ips', deadline);
    return body === null ? [] : jsonList(body['floating_ips'], 'floating_ips').map(decodeAddress);
  }

  deleteAddress(id: AddressId, deadline: Deadline): Promise<void> {
    return this.#service.delete(addressPath(id), deadline);
  }

  async #attach({ ip }: CloudAddress, server: ServerId, deadline: Deadline): Promise<void> {
    assertGood(await this.#nova.act(server, { addFloatingIp: { address: ip } }, deadline));
  }

  /** Nothing would lead to it any more: clean-up finds addresses by their server (lesson 6). */
  async #release(address: CloudAddress, cause: unknown, deadline: Deadline): Promise<void> {
    try {
      await this.deleteAddress(address.id, deadline);
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      const message = `address ${address.ip} could not be attached, nor released: ${words}`;
      throw new Fault('cloud.error', message, { cause });
    }
  }
}

function addressPath(id: AddressId): string {
  return `/os-floating-ips/${encodeURIComponent(id)}`;
}

function decodeAddress(value: unknown): CloudAddress {
  const address = jsonObject(value, 'floating_ip');
  const id = addressId(idText(address['id'], 'floating_ip.id'));
  const instance = address['instance_id'];
  return {
    id,
    ip: text(address['ip'], `address ${id}: ip`),
    serverId: typeof instance === 'string' && instance !== '' ? serverId(instance) : null,
    tag: null,
  };
}
