/** Each cloud in numbers: what is in use, how it is asked, and what is wrong with it. */
import type { ProviderView, WorkView } from '../../../src/ports/control.js';
import { askTune } from '../actions.js';
import { token } from '../api.js';
import { age } from '../format.js';
import { Gauge } from '../parts/gauge.js';
import { nodes, providers, statesInOrder } from '../state.js';

export function ProvidersView() {
  const list = providers.value;
  return (
    <>
      <div class="bar">
        <h2>Providers</h2>
      </div>
      {list.length === 0 ? <p class="empty">No provider is in the configuration.</p> : null}
      <div class="providers">
        {list.map(provider => (
          <Provider key={provider.name} of={provider} />
        ))}
      </div>
    </>
  );
}

function Provider({ of }: { readonly of: ProviderView }) {
  const { name, servers, held, limit, maxServers, breaker, pace, closedBecause } = of;
  return (
    <section class="provider">
      <header>
        <h3>{name}</h3>
        <Condition of={of} />
        {token.value === null ? null : (
          <button type="button" onClick={() => askTune(of)}>
            Tune …
          </button>
        )}
      </header>
      <StateCounts provider={name} />
      <Gauge
        label="servers"
        value={servers}
        limit={limit}
        max={maxServers}
        note={[held === 0 ? '' : `${held} held`, limit < maxServers ? `the quota leaves ${limit} of ${maxServers}` : '']
          .filter(Boolean)
          .join('; ')}
      />
      <div class="gauges">
        <Work label="launches" of={of.launches} />
        <Work label="deletes" of={of.deletes} />
        <Work label="API calls" of={of.calls} />
      </div>
      {pace === null ? null : (
        <p class="quiet">
          {pace.rateSeconds === 0 ? 'no pause' : `${pace.rateSeconds} s`} between calls
          {pace.slowdown > 1 ? `, slowed ${pace.slowdown} times` : ''}
          {pace.pauseSeconds > 0 ? `, pauses ${age(pace.pauseSeconds)}` : ''}
          {pace.reason === null ? '' : `: ${pace.reason}`}
        </p>
      )}
      {breaker?.trouble == null ? null : (
        <p class="trouble">
          {breaker.trouble}
          {breaker.callsInSeconds > 0 ? ` (asked again in ${age(breaker.callsInSeconds)})` : ''}
          {breaker.launchesInSeconds > 0 ? ` (launches again in ${age(breaker.launchesInSeconds)})` : ''}
        </p>
      )}
      {closedBecause === null || closedBecause === breaker?.trouble ? null : (
        <p class="trouble">launches nothing: {closedBecause}</p>
      )}
    </section>
  );
}

function Condition({ of: { breaker, pace, closedBecause } }: { readonly of: ProviderView }) {
  if (breaker === null) return <span class="badge is-trouble">does not answer</span>;
  if (breaker.phase === 'open') return <span class="badge is-trouble">breaker open</span>;
  if (breaker.phase === 'half-open') return <span class="badge is-trouble">one call finds out</span>;
  if (closedBecause !== null) return <span class="badge is-trouble">launches nothing</span>;
  if (pace !== null && pace.slowdown > 1) return <span class="badge is-careful">slowed</span>;
  return <span class="badge is-well">well</span>;
}

function Work({ label, of }: { readonly label: string; readonly of: WorkView | null }) {
  if (of === null) return null;
  return (
    <Gauge label={label} value={of.underWay} limit={of.limit} note={of.waiting === 0 ? '' : `${of.waiting} wait`} />
  );
}

function StateCounts({ provider }: { readonly provider: string }) {
  const own = [...nodes.value.values()].filter(node => node.provider === provider);
  const counts = statesInOrder.flatMap(state => {
    const count = own.filter(node => node.state === state).length;
    return count === 0 ? [] : [{ state, count }];
  });
  return (
    <p class="state-counts">
      {counts.length === 0 ? <span class="quiet">no nodes</span> : null}
      {counts.map(({ state, count }) => (
        <span key={state} class={`state s-${state}`}>
          <span class="mark" aria-hidden="true" /> <b>{count}</b> {state}
        </span>
      ))}
    </p>
  );
}
