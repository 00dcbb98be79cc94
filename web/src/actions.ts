/** What can be changed from the page. Each change is asked about first, and needs the write token. */
import { tunableKeys } from '../../src/domain/tuning.js';
import type { ProviderView } from '../../src/ports/control.js';
import { send, token } from './api.js';
import { ask } from './parts/dialog.js';
import type { PoolNode } from './state.js';

export function unlock(): void {
  ask({
    title: 'Allow changes',
    explanation:
      'The token is in the file that control.write-token-file names. This page forgets it when it is closed.',
    fields: [{ name: 'token', label: 'Write token', type: 'password', isRequired: true }],
    action: 'Allow changes',
    run: async answers => void (token.value = answers['token'] ?? null),
  });
}

export function lock(): void {
  token.value = null;
}

export function askHold({ id }: Pick<PoolNode, 'id'>): void {
  ask({
    title: `Hold node ${id}`,
    explanation: 'It is kept whatever happens, until it is released or the time is over.',
    fields: [
      { name: 'reason', label: 'Why (others see it)', placeholder: 'looking at a failure' },
      { name: 'hours', label: 'For how many hours; empty: until it is released', placeholder: '4' },
    ],
    action: `Hold node ${id}`,
    done: `Node ${id} is held.`,
    run: ({ reason = '', hours = '' }) => {
      if (hours !== '' && !(Number(hours) > 0)) throw new Error(`"${hours}" is no number of hours`);
      const forMs = hours === '' ? null : Math.round(Number(hours) * 3_600_000);
      return send('POST', `nodes/${id}/hold`, { reason: reason === '' ? null : reason, forMs });
    },
  });
}

export function askRelease({ id }: Pick<PoolNode, 'id'>): void {
  ask({
    title: `Release node ${id}`,
    explanation: 'It goes back to ready if it ran no job, and is deleted otherwise.',
    action: `Release node ${id}`,
    done: `Node ${id} is released.`,
    run: () => send('POST', `nodes/${id}/release`),
  });
}

export function askDelete({ id, state }: Pick<PoolNode, 'id' | 'state'>): void {
  ask({
    title: `Delete node ${id}`,
    explanation: `Its server and its slave go with it${state === 'used' ? ', and so does the job that runs on it' : ''}.`,
    action: `Delete node ${id}`,
    isGrave: true,
    done: `Node ${id} is being deleted.`,
    run: () => send('DELETE', `nodes/${id}`),
  });
}

export function askTune({ name: provider, maxServers, pace, launches, deletes, calls }: ProviderView): void {
  const now = [
    `max-servers ${maxServers}`,
    ...(pace === null ? [] : [`rate ${pace.rateSeconds / pace.slowdown}`]),
    ...Object.entries({ calls, launches, deletes }).flatMap(([key, of]) => (of === null ? [] : [`${key} ${of.limit}`])),
  ];
  ask({
    title: `Tune ${provider}`,
    explanation: `Takes effect at once, and ends with the next reload of the configuration. Now: ${now.join(', ')}.`,
    fields: [
      { name: 'key', label: 'Key', options: tunableKeys },
      { name: 'value', label: 'Value', isRequired: true },
    ],
    action: `Tune ${provider}`,
    done: `${provider} is tuned.`,
    run: ({ key = '', value = '' }) => {
      if (value === '' || !Number.isFinite(Number(value))) throw new Error(`"${value}" is no number`);
      return send('POST', `providers/${encodeURIComponent(provider)}/tune`, { key, value: Number(value) });
    },
  });
}

export function askRestart(path: string): void {
  ask({
    title: `Restart ${path}`,
    explanation: 'Its actor begins a new life; what is in its mailbox stays.',
    action: `Restart ${path}`,
    done: `${path} has begun again.`,
    run: () => send('POST', 'restart', { path }),
  });
}
