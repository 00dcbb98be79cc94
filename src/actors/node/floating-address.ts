/**
 * A floating address for a server that has none that can be reached (reference 14.7). That it was asked for is on the row
 * before the call, and its id before it is used; an answer that was lost is looked for by our mark and by the server
 * (lessons 5 and 6).
 */
import { Fault, leavesDoubt } from '../../domain/fault.js';
import type { NodeRow } from '../../domain/node-row.js';
import { findAddresses, type AddressDoubt } from '../cloud/find-addresses.js';
import { askCloud } from '../cloud/request.js';
import { done, type Step, type StepIo, type StepOutcome } from './step.js';

export const floatingAddress: Step = {
  mustSettle: true,
  prepare: (row, now) => (row.addressSentAt === null ? { addressSentAt: now } : null),
  forget: { addressSentAt: null },
  run(io) {
    if (io.row.addressId !== null) return attach(io);
    return io.wasPrepared ? allocate(io) : settleDoubt(io);
  },
};

export function addressDoubt({ provider, tag, serverId, addressSentAt }: NodeRow): AddressDoubt {
  return { provider, tag, server: serverId, sentAt: addressSentAt };
}

async function allocate({ row, settings, task, whose }: StepIo): Promise<StepOutcome> {
  const { provider, serverId, tag } = row;
  if (serverId === null || tag === null) throw new Error(`node ${row.id} gets an address without a server or a tag`);
  const pool = settings.lastKnown.provider(provider)?.pool ?? null;
  const wish = { pool, server: serverId, tag };
  try {
    const call = { provider, op: 'createAddress' as const, whose };
    const { id, ip } = await askCloud(task, { ...call, args: [wish] }, settings.timings.address);
    return done('ssh', { addressId: id, ip });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { kind: 'fault', fault: error, isCertain: !leavesDoubt(error) };
  }
}

async function settleDoubt(io: StepIo): Promise<StepOutcome> {
  const [found] = await findAddresses(addressDoubt(io.row), io);
  return done('address', found ? { addressId: found.id, ip: found.ip } : { addressSentAt: null });
}

async function attach(io: StepIo): Promise<StepOutcome> {
  const { row, settings, task, whose } = io;
  const { provider, serverId, addressId } = row;
  if (serverId === null || addressId === null) throw new Error(`node ${row.id} has no server or no address`);
  const address = (await findAddresses(addressDoubt(row), io)).find(({ id }) => id === addressId);
  if (!address) {
    const fault = new Fault('cloud.no-address', `the address ${row.ip ?? addressId} of server ${serverId} is gone`);
    return { kind: 'fault', fault, isCertain: true };
  }
  if (address.serverId !== serverId) {
    const call = { provider, op: 'attachAddress' as const, whose };
    await askCloud(task, { ...call, args: [addressId, serverId] }, settings.timings.address);
  }
  return done('ssh', { ip: address.ip });
}
