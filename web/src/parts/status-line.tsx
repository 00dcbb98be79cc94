/** One line at the foot of the window about the node under the pointer or the focus. */
import { age } from '../format.js';
import { nodes, now } from '../state.js';
import { pointedAt } from '../views/pool.js';

export function StatusLine() {
  const node = pointedAt.value === null ? undefined : nodes.value.get(pointedAt.value);
  if (node === undefined) return null;
  const { id, state, step, since, label, provider, az, target, ip, reason } = node;
  const where = [label, az === null ? provider : `${provider} (${az})`, target, ip].filter(Boolean).join(' · ');
  return (
    <p class="status-line">
      <b class="number">{id}</b> <span class={`state s-${state}`}>{state}</span> {step} for{' '}
      {age((now.value - since) / 1000)} · {where}
      {reason === null ? '' : ` · ${reason}`}
    </p>
  );
}
