/**
 * A delete takes the slave out of Jenkins and the servers out of the cloud, side by side, so that a dead Jenkins never
 * keeps a server alive (lesson 56). A floating address goes after its server: it is the cheaper of the two to keep. The
 * step on the row is what remains.
 */
import { isBefore, type DeleteStep, type NodeRow, type NodeStep } from './node-row.js';

export type DeletePart = 'unregister' | 'servers' | 'addresses';

/** Where a delete begins: there is a slave only from `register` on. */
export function firstDeleteStep(row: Pick<NodeRow, 'step' | 'nodename'>): DeleteStep {
  return isBefore(row.step, 'register') || row.nodename === null ? 'servers' : 'unregister+servers';
}

/** The parts that a row still asks for now. A row that the original left in `delete` names no step. */
export function partsLeft(step: NodeStep | null): readonly DeletePart[] {
  switch (step) {
    case 'unregister':
    case 'servers':
    case 'addresses':
      return [step];
    case 'unregister+addresses':
      return ['unregister', 'addresses'];
    case 'row':
      return [];
    default:
      return ['unregister', 'servers'];
  }
}

/** What remains once the part is done. */
export function stepWithout(row: Pick<NodeRow, 'step' | 'addressId' | 'addressSentAt'>, part: DeletePart): DeleteStep {
  const left = partsLeft(row.step).filter(each => each !== part);
  const next = part === 'servers' && mayHaveAddress(row) ? [...left, 'addresses' as const] : left;
  if (next.includes('unregister')) {
    if (next.includes('servers')) return 'unregister+servers';
    return next.includes('addresses') ? 'unregister+addresses' : 'unregister';
  }
  return next[0] ?? 'row';
}

/** Whether a floating address of its own was made, or asked for and its answer lost. */
export function mayHaveAddress(row: Pick<NodeRow, 'addressId' | 'addressSentAt'>): boolean {
  return row.addressId !== null || row.addressSentAt !== null;
}

/** Whether the delete has taken all servers away: what holds the row then takes no room. */
export function areServersGone(row: Pick<NodeRow, 'state' | 'step'>): boolean {
  return row.state === 'delete' && !partsLeft(row.step).includes('servers');
}
