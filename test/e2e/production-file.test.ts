/** OpenStack's own file of June 2014, unchanged, through the command line; no database, network or daemon is there. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { nodepool } from '../support/daemon.js';

const file = fileURLToPath(new URL('../fixtures/openstack-2014-06.yaml', import.meta.url));
const production = parse(readFileSync(file, 'utf8')) as {
  labels: { name: string; 'min-ready': number; subnodes?: number; providers: { name: string }[] }[];
  providers: { name: string; 'max-servers': number }[];
  targets: { name: string }[];
};

interface Grant {
  readonly label: string;
  readonly provider: string;
  readonly target: string;
  readonly count: number;
}

describe('the production file', () => {
  it('is valid', async () => {
    expect(await nodepool(['config-validate', '-c', file])).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  it('is planned from nothing: each label gets its min-ready, and no provider more than its max-servers', async () => {
    const run = await nodepool(['plan', '--empty', '-c', file, '-o', 'json']);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const { grants, deficits } = JSON.parse(run.stdout) as { grants: Grant[]; deficits: Record<string, number> };
    for (const label of production.labels) {
      const granted = grants.filter(grant => grant.label === label.name);
      expect([label.name, total(granted)]).toEqual([label.name, label['min-ready']]);
      expect(deficits[label.name]).toBe(label['min-ready']);
      const providers = label.providers.map(({ name }) => name);
      for (const { provider } of granted) expect(providers).toContain(provider);
    }
    for (const { name, 'max-servers': max } of production.providers) {
      const servers = production.labels.map(
        label =>
          (1 + (label.subnodes ?? 0)) *
          total(grants.filter(grant => grant.provider === name && grant.label === label.name)),
      );
      expect(servers.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(max);
    }
    const masters = production.targets.map(({ name }) => name);
    for (const { target, count } of grants) {
      expect(masters).toContain(target);
      expect(count).toBeGreaterThan(0);
    }
  });
});

function total(grants: readonly Grant[]): number {
  return grants.reduce((sum, { count }) => sum + count, 0);
}
