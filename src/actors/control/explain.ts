/** Why nodes are or are not launched: the last round, the ledger, and what the nodes under way wait for. */
import {
  explainDisabled,
  explainLabel,
  explainProvider,
  type ExplainedPool,
  type LabelExplanation,
  type ProviderExplanation,
  type Waiting,
} from '../../domain/explain.js';
import type { FailedLaunch } from '../../domain/failed-launches.js';
import { Fault } from '../../domain/fault.js';
import { nodeId } from '../../domain/ids.js';
import type { LedgerEntry } from '../../domain/ledger.js';
import type { NodeRow } from '../../domain/node-row.js';
import type { Situation } from '../../domain/situation.js';
import type { ExplainApi, ExplainQuery, ExplainView, NodeExplanation, ReadinessView } from '../../ports/control.js';
import type { Outside } from '../../ports/outside.js';
import type { Session } from '../../ports/store.js';
import type { ReplyTo } from '../../runtime/actor.js';
import { historyAddress, ledgerAddress, nodeAddress, statsAddress } from '../addresses.js';
import type { SystemView } from '../control.js';
import type { LedgerLook } from '../ledger.js';
import { answerOf, replyOf } from '../outcome.js';
import { storyOf } from './looks.js';

const lookMs = 2_000;
/** So many nodes under way are asked what they wait for: more of them wait for nothing else. */
const askedMax = 500;

export function explainApi({ store }: Pick<Outside, 'store'>, system: SystemView): ExplainApi {
  return {
    explain: async about => {
      const [look, troubles, failures] = await Promise.all([
        ledgerSince(about, system),
        troublesOf(system),
        failedLaunches(system),
      ]);
      const { last, config } = look;
      const imageTrouble = (provider: string, image: string): string | null =>
        troubles.get(`providers/${provider}/images/${image}`)?.reason ?? null;
      const pool = { last, disabled: config.disabled, trouble: troubleOfRounds(troubles), imageTrouble, failures };
      const what = await explainWhat(about, { look, pool, session: store.shared, system });
      if (what === null) return null;
      return { at: system.now(), roundAt: last?.at ?? null, sampledAt: last?.sampledAt ?? null, ...what };
    },
  };
}

interface Means {
  readonly look: LedgerLook;
  readonly pool: ExplainedPool;
  readonly session: Session;
  readonly system: SystemView;
}

type What = Pick<ExplainView, 'labels' | 'providers' | 'node' | 'rounds'>;

const nothing: What = { labels: [], providers: [], node: null, rounds: [] };

async function explainWhat(about: ExplainQuery, means: Means): Promise<What | null> {
  const { look } = means;
  const rounds = look.entries.flatMap(entry => partAbout(about, entry));
  if (about.node !== undefined) {
    const node = await explainNode(about.node, means);
    return node && { ...nothing, node };
  }
  if (about.provider !== undefined) {
    const provider = await providerNamed(about.provider, means);
    return provider && { ...nothing, providers: [provider], rounds };
  }
  const waiting = await nodesUnderWay(row => about.label === undefined || row.label === about.label, means);
  const ofLabel = (name: string) => waiting.filter(([label]) => label === name).map(([, each]) => each);
  const labels = look.config.labels
    .filter(({ name }) => about.label === undefined || name === about.label)
    .map(label => explainLabel(label, means.pool, ofLabel(label.name)));
  if (about.label === undefined || labels.length > 0) return { ...nothing, labels, rounds };
  const disabled = disabledLabel(about.label, means.pool);
  return disabled && { ...nothing, labels: [disabled], rounds };
}

async function ledgerSince({ since = Infinity }: ExplainQuery, system: SystemView): Promise<LedgerLook> {
  const question = (replyTo: ReplyTo<LedgerLook>) => ({ type: 'look' as const, since, replyTo });
  return replyOf(await system.request(ledgerAddress, question, lookMs));
}

/** The rest is told without them. */
async function failedLaunches(system: SystemView): Promise<readonly FailedLaunch[]> {
  const question = (replyTo: ReplyTo<readonly FailedLaunch[]>) => ({ type: 'failed-launches' as const, replyTo });
  return answerOf(await system.request(historyAddress, question, lookMs)) ?? [];
}

type Troubles = ReadonlyMap<string, ReadinessView['dependencies'][number]>;

/** By the path of the actor that has it. */
async function troublesOf(system: SystemView): Promise<Troubles> {
  const question = (replyTo: ReplyTo<ReadinessView>) => ({ type: 'readiness' as const, replyTo });
  const { dependencies } = replyOf(await system.request(statsAddress, question, lookMs));
  return new Map(dependencies.filter(({ ok }) => !ok).map(each => [each.name, each]));
}

/** Why no round is decided at all. */
function troubleOfRounds(troubles: Troubles): string | null {
  const broken = ['store', 'pool'].flatMap(name => troubles.get(name) ?? []);
  if (broken.length === 0) return null;
  const reasons = broken.map(({ name, reason, ageSeconds }) => `${name}: ${reason ?? ''}, for ${ageSeconds} s`);
  return `no allocation rounds are decided (${reasons.join('; ')}); nodepool doctor looks for the cause`;
}

function disabledLabel(name: string, pool: ExplainedPool): LabelExplanation | null {
  const verdict = explainDisabled('label', name, pool);
  return verdict === null
    ? null
    : { label: name, verdict, figures: null, refusals: [], images: [], failures: [], underWay: [] };
}

async function providerNamed(name: string, means: Means): Promise<ProviderExplanation | null> {
  const { look, pool } = means;
  if (look.config.providers.some(each => each.name === name)) {
    const waiting = await nodesUnderWay(row => row.provider === name, means);
    return explainProvider(
      name,
      pool,
      waiting.map(([, each]) => each),
    );
  }
  const verdict = explainDisabled('provider', name, pool);
  return verdict === null ? null : { provider: name, verdict, room: null, refusals: [], failures: [], underWay: [] };
}

/** The ledger's entry as far as it is about what was asked; nothing where it is not. */
function partAbout({ label, provider }: ExplainQuery, entry: LedgerEntry): LedgerEntry[] {
  if (label === undefined && provider === undefined) return [entry];
  const labels = entry.labels.filter(each => each.label === label);
  const refusals = entry.refusals.filter(each => each.label === label || each.provider === provider);
  if (labels.length + refusals.length === 0) return [];
  const providers = entry.providers.filter(each => provider === undefined || each.provider === provider);
  return [{ ...entry, labels, refusals, providers }];
}

// ── Nodes ────────────────────────────────────────────────────────────────────────────────────────────────────────

async function explainNode(id: number, { session, system }: Means): Promise<NodeExplanation | null> {
  const row = await session.node(nodeId(id));
  if (row === null) return null;
  const { label, provider, state, step, stepAt, stateTime, lastError } = row;
  const [told, story] = await Promise.all([situation(row, system), storyOf(id, system)]);
  const since = stepAt ?? stateTime * 1000;
  return { id, label, provider, state, step, since, lastError, ...(told ?? withoutActor), story: story ?? [] };
}

const withoutActor: Situation = {
  waitsFor: 'nothing',
  until: null,
  detail: 'its actor does not answer',
  next: 'nodepool tree shows whether it is parked; nodepool restart PATH begins it again',
};

async function situation({ id }: NodeRow, system: SystemView): Promise<Situation | null> {
  const question = (replyTo: ReplyTo<Situation>) => ({ type: 'explain' as const, replyTo });
  return answerOf(await system.request(nodeAddress(id), question, lookMs));
}

/** By label. Those that wait for the same thing in the same place are told together. */
async function nodesUnderWay(
  isMeant: (row: NodeRow) => boolean,
  { session, system }: Means,
): Promise<readonly (readonly [string, Waiting])[]> {
  const rows = (await rowsOrNone(session)).filter(row => row.state === 'building' || row.state === 'test');
  const asked = rows.filter(isMeant).slice(0, askedMax);
  const situations = await Promise.all(asked.map(async row => ({ row, told: await situation(row, system) })));
  const groups = new Map<string, readonly [string, Waiting]>();
  for (const { row, told } of situations) {
    const { waitsFor, detail, next } = told ?? withoutActor;
    const key = JSON.stringify([row.label, row.provider, row.step, waitsFor]);
    const seconds = Math.round((system.now() - (row.stepAt ?? row.stateTime * 1000)) / 1000);
    const before = groups.get(key)?.[1];
    const count = 1 + (before?.count ?? 0);
    const secondsMax = Math.max(seconds, before?.secondsMax ?? 0);
    groups.set(key, [row.label, { waitsFor, provider: row.provider, step: row.step, count, secondsMax, detail, next }]);
  }
  return [...groups.values()];
}

/** With the database away, what is known without it is told all the same. */
async function rowsOrNone(session: Session): Promise<readonly NodeRow[]> {
  try {
    return await session.nodes();
  } catch (error) {
    if (error instanceof Fault) return [];
    throw error;
  }
}
