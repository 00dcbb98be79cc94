/** One node that is waited for: whether it is as wanted, how far it has come, and whether it can still come there. */
import type { ControlClient } from '../../http/client.js';
import { isLaunchStep, launchStepsInOrder, type NodeStep } from '../../domain/node-row.js';
import { whereListed } from '../../domain/where-listed.js';
import type { NodeView } from '../../ports/control.js';
import { exitCodes } from '../exit-codes.js';
import { CliFailure } from '../failure.js';
import { plainText } from '../plain-text.js';
import { bar } from '../progress.js';
import type { Seen } from '../wait.js';

/** `delete`: it is on its way out; `gone`: its row is gone. */
export const nodeEnds = ['ready', 'test', 'used', 'hold', 'delete', 'gone'] as const;
export type NodeEnd = (typeof nodeEnds)[number];

/** States from which a node never comes to the one that is wanted. */
const tooLate: Readonly<Record<NodeEnd, readonly string[]>> = {
  ready: ['used', 'delete'],
  test: ['ready', 'used', 'delete'],
  used: ['delete'],
  hold: ['delete'],
  delete: [],
  gone: [],
};

/** Null is found where a node was to go and is gone. */
export async function lookAtNode(
  daemon: Pick<ControlClient, 'node'>,
  id: number,
  wanted: NodeEnd,
): Promise<Seen<NodeView | null>> {
  const view = await daemon.node(id);
  const node = view?.node ?? null;
  if (node === null) return gone(id, wanted, view !== null);
  if (node.state === wanted) return { found: node };
  if (tooLate[wanted].includes(node.state)) throw cameElsewhere(node, wanted);
  const step = node.step === null ? '' : ` (${node.step})`;
  const missing = plainText(`node ${id} is ${node.state}${step}${because(node)}`);
  return { missing, progress: `${missing}${launchBar(node)}` };
}

function gone(id: number, wanted: NodeEnd, wasThere: boolean): Seen<null> {
  if (wanted === 'gone' || (wanted === 'delete' && wasThere)) return { found: null };
  const next = whereListed.node;
  if (!wasThere) throw new CliFailure(exitCodes.notFound, `there is no node ${id}`, { next });
  throw new CliFailure(exitCodes.refused, `node ${id} is gone and will not be ${wanted}`, { next });
}

function cameElsewhere(node: NodeView, wanted: NodeEnd): CliFailure {
  const text = plainText(`node ${node.id} is ${node.state} and will not be ${wanted}${because(node)}`);
  return new CliFailure(exitCodes.refused, text, { next: `nodepool inspect ${pathOf(node)} has its story` });
}

function because({ reason }: NodeView): string {
  return reason === null ? '' : `: ${reason}`;
}

function pathOf({ provider, id }: NodeView): string {
  return plainText(`/providers/${provider}/nodes/${id}`);
}

function launchBar({ step }: NodeView): string {
  const named = step as NodeStep | null;
  if (!isLaunchStep(named)) return '';
  return ` ${bar(launchStepsInOrder.indexOf(named) / launchStepsInOrder.length)}`;
}
