/** One node and its whole story: each step and each call with its time, what went wrong, and what can be done. */
import { useEffect, useState } from 'preact/hooks';
import type { NodeState } from '../../../src/domain/states.js';
import { storyText, type StoryEntry } from '../../../src/domain/story.js';
import type { NodeDetail, NodeStoryView } from '../../../src/ports/control.js';
import { askDelete, askHold, askRelease, unlock } from '../actions.js';
import { get, Problem, token } from '../api.js';
import { age, clockTime, lasting } from '../format.js';
import { Trouble } from '../parts/dialog.js';
import { nodes, now, toPoolNode, type PoolNode } from '../state.js';
import { storySteps, type StoryStep } from '../story-steps.js';

const againMs = 2_000;

export function NodeView({ id }: { readonly id: number }) {
  const [found, trouble] = useStory(id);
  const state = nodes.value.get(id)?.state;
  const node = found?.node == null ? null : toPoolNode(found.node);
  return (
    <article class="node">
      <nav>
        <a href="#/pool">All nodes</a>
      </nav>
      <header>
        <h2>
          Node {id} {node?.hostname == null ? '' : <small>{node.hostname}</small>}
        </h2>
        {node === null ? null : <span class={`badge state s-${state ?? node.state}`}>{state ?? node.state}</span>}
        {node === null ? null : <Actions node={node} />}
      </header>
      <Trouble of={trouble} />
      {found !== null && node === null ? <p>It is gone: its server, its slave and its row are deleted.</p> : null}
      {found?.node == null ? null : <Facts detail={found.node} />}
      {found?.node?.console == null ? null : <Console text={found.node.console} />}
      {found === null ? null : <Story story={found.story} isOver={node === null} />}
    </article>
  );
}

function useStory(id: number): readonly [NodeStoryView | null, Error | null] {
  const [found, find] = useState<NodeStoryView | null>(null);
  const [trouble, setTrouble] = useState<Error | null>(null);
  useEffect(() => {
    let timer = 0;
    let isOver = false;
    const read = async (): Promise<void> => {
      try {
        const view = await get<NodeStoryView>(`nodes/${id}`);
        if (isOver) return;
        find(view);
        setTrouble(null);
      } catch (error) {
        if (isOver) return;
        if (error instanceof Problem) setTrouble(error);
      }
      timer = window.setTimeout(() => void read(), againMs);
    };
    find(null);
    void read();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [id]);
  return [found, trouble];
}

function Actions({ node }: { readonly node: PoolNode }) {
  if (token.value === null) {
    return (
      <div class="actions">
        <button type="button" onClick={unlock}>
          Allow changes …
        </button>
      </div>
    );
  }
  return (
    <div class="actions">
      {node.state === 'hold' ? (
        <button type="button" onClick={() => askRelease(node)}>
          Release …
        </button>
      ) : (
        <button type="button" disabled={node.state === 'delete'} onClick={() => askHold(node)}>
          Hold …
        </button>
      )}
      <button type="button" class="is-grave" disabled={node.state === 'delete'} onClick={() => askDelete(node)}>
        Delete …
      </button>
    </div>
  );
}

function Console({ text }: { readonly text: string }) {
  return (
    <section>
      <h3>The end of its console</h3>
      <pre class="console" tabIndex={0}>
        {text}
      </pre>
    </section>
  );
}

function Facts({ detail }: { readonly detail: NodeDetail }) {
  const { since } = toPoolNode(detail);
  const { provider, az, label, target, nodename, serverId, ip, ipPrivate, step, reason, subnodes } = detail;
  const { deleteAt, expiry, lastError, snapshotId } = detail;
  const until = (at: number | null): string | null =>
    at === null ? null : `in ${age(Math.max(0, at - now.value) / 1000)}, at ${clockTime(at)}`;
  const facts: readonly (readonly [string, string | null])[] = [
    ['label', label],
    ['provider', az === null ? provider : `${provider}, zone ${az}`],
    ['target', target],
    ['name in Jenkins', nodename],
    ['server', serverId],
    ['address', [ip, ipPrivate].filter(Boolean).join(', ') || null],
    ['step', step],
    ['in this state', `for ${age((now.value - since) / 1000)}`],
    ['deleted', detail.state === 'used' ? until(deleteAt) : null],
    ['hold ends', detail.state === 'hold' ? until(expiry) : null],
    ['image', snapshotId === null ? null : `snapshot ${snapshotId}`],
    ['reason', reason],
    ['last failure', lastError],
    ['subnodes', subnodes.length === 0 ? null : subnodes.map(each => `${each.id} ${each.state}`).join(', ')],
  ];
  return (
    <dl class="facts">
      {facts.flatMap(([name, value]) =>
        value === null
          ? []
          : [
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>,
            ],
      )}
    </dl>
  );
}

function Story({ story, isOver }: { readonly story: readonly StoryEntry[]; readonly isOver: boolean }) {
  const steps = storySteps(story, isOver ? null : now.value);
  const longest = Math.max(1, ...steps.filter(({ state }) => isWork(state)).map(({ ms }) => ms));
  if (steps.length === 0) return <p class="quiet">The daemon knows nothing yet of what became of it.</p>;
  return (
    <section>
      <h3>Story</h3>
      <ol class="story">
        {steps.map(step => (
          <Step key={step.at} step={step} longest={longest} />
        ))}
      </ol>
    </section>
  );
}

/** Of these steps the daemon makes the length; of the others jobs and people do. */
function isWork(state: NodeState): boolean {
  return state === 'building' || state === 'test' || state === 'delete';
}

function Step({ step, longest }: { readonly step: StoryStep; readonly longest: number }) {
  const { at, name, state, ms, isNow, notes } = step;
  return (
    <li>
      <time dateTime={new Date(at).toISOString()}>{clockTime(at)}</time>
      <b class={`state s-${state}`}>{name}</b>
      <span class="story-bar">
        <i
          class={`s-${state} ${isNow ? 'is-now' : ''} ${ms > longest ? 'is-cut' : ''}`}
          style={{ width: `${Math.min(100, Math.max(0.4, (100 * ms) / longest))}%` }}
        />
      </span>
      <span class="number">{lasting(ms)}</span>
      {notes.length === 0 ? null : (
        <ul>
          {notes.map(note => (
            <Note key={`${note.at} ${note.what}`} note={note} />
          ))}
        </ul>
      )}
    </li>
  );
}

function Note({ note }: { readonly note: StoryEntry }) {
  const isTrouble = note.kind === 'fault' || (note.kind === 'call' && !note.isOk);
  return (
    <li class={isTrouble ? 'trouble' : 'quiet'}>
      {note.kind === 'call' ? <time dateTime={new Date(note.at).toISOString()}>{clockTime(note.at)}</time> : null}
      <span>{storyText(note)}</span>
      {note.kind === 'call' ? <span class="number">{lasting(note.ms)}</span> : null}
    </li>
  );
}
