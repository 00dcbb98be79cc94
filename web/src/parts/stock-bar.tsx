/** All nodes as one bar, by state: the legend of every colour on the page, and what chooses the states that are shown. */
import type { NodeState } from '../../../src/domain/states.js';
import { grouped } from '../format.js';
import { counts, nodes, shownStates, statesInOrder } from '../state.js';

export function StockBar() {
  const total = nodes.value.size;
  return (
    <div class="stock" role="group" aria-label={`${total} nodes by state; press one to see it alone`}>
      {statesInOrder.map(state => (
        <button
          key={state}
          type="button"
          class={`stock-part s-${state}`}
          style={{ flexGrow: total === 0 ? 1 : counts.value[state] }}
          aria-pressed={shownStates.value.has(state)}
          onClick={() => toggle(state)}
        >
          <span class="mark" aria-hidden="true" />
          <b>{grouped(counts.value[state])}</b> {state}
        </button>
      ))}
    </div>
  );
}

function toggle(state: NodeState): void {
  const shown = new Set(shownStates.value);
  if (!shown.delete(state)) shown.add(state);
  shownStates.value = shown;
}
