/** The story of a node as steps with their length. Pure. */
import { nodeStates, type NodeState } from '../../src/domain/states.js';
import type { StoryEntry } from '../../src/domain/story.js';

export interface StoryStep {
  readonly at: number;
  /** The step, or the state where it has none. */
  readonly name: string;
  readonly state: NodeState;
  /** Until the next one began. */
  readonly ms: number;
  readonly isNow: boolean;
  /** What became known, what was called and what went wrong meanwhile. */
  readonly notes: readonly StoryEntry[];
}

/** `now` null: it is over. A state that begins with a step is that step. */
export function storySteps(story: readonly StoryEntry[], now: number | null): StoryStep[] {
  const open: { at: number; name: string; state: NodeState; notes: StoryEntry[] }[] = [];
  let state: NodeState = 'building';
  for (const entry of story) {
    const last = open.at(-1);
    switch (entry.kind) {
      case 'found':
        state = stateIn(entry.what) ?? state;
        open.push({ at: entry.at, name: `found: ${entry.what}`, state, notes: [] });
        break;
      case 'state':
        state = stateIn(entry.what) ?? state;
        open.push({ at: entry.at, name: entry.what, state, notes: [] });
        break;
      case 'step':
        // Written together with the state.
        if (last?.at === entry.at && last.name === state) last.name = `${state}: ${entry.what}`;
        else open.push({ at: entry.at, name: entry.what, state, notes: [] });
        break;
      case 'fact':
      case 'fault':
      case 'call':
        last?.notes.push(entry);
        break;
      case 'gone':
        open.push({ at: entry.at, name: 'gone', state: 'delete', notes: [] });
    }
  }
  return open.map((step, index) => {
    const next = open[index + 1];
    const isNow = next === undefined && now !== null;
    const end = next?.at ?? now ?? step.at;
    return { ...step, ms: Math.max(0, end - step.at), isNow };
  });
}

function stateIn(text: string): NodeState | undefined {
  return nodeStates.find(state => text === state || text.startsWith(`${state},`));
}
