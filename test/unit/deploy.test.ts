/** What is in deploy/ speaks of what there is: metrics, keys, files. */
import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { describe, expect, it, test } from 'vitest';
import { MetricsRegistry } from '../../src/adapters/metrics/registry.js';
import { nodeStates } from '../../src/domain/states.js';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly next: string };
}

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
}

const read = (path: string): string => readFileSync(path, 'utf8');
const { groups } = parse(read('deploy/prometheus-alerts.yml')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap(group => group.rules);
const dashboard = JSON.parse(read('deploy/grafana-dashboard.json')) as Dashboard;
const queries = [
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
  ...dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const)),
  ...dashboard.annotations.list.map(({ expr }) => ['annotations', expr] as const),
];

/** The keys of the page about metrics, the words in capitals as something that may stand there. */
const documentedKeys = [...read('docs/metrics.md').matchAll(/^\| (`nodepool\.[^|]*)\|/gm)]
  .flatMap(([, cell]) => [...(cell ?? '').matchAll(/`(nodepool\.[^`]+)`/g)].map(([, key]) => key ?? ''))
  .flatMap(key => ['ready', 'error.auth'].map(ending => key.replace('…', ending)))
  .flatMap(key => nodeStates.map(state => key.replace('STATE', state)))
  .map(key => key.replace('FAULT', 'cloud.quota').replaceAll(/\b[A-Z]+\b/g, 'something'));

async function registered(): Promise<Set<string>> {
  const registry = new MetricsRegistry();
  registry.count('nodepool.a');
  registry.timing('nodepool.b', 1);
  registry.gauge('nodepool.c', 1);
  const names = [...(await registry.text()).matchAll(/^(\w+)[{ ]/gm)].map(([, name]) => name ?? '');
  await registry.close();
  return new Set(names);
}

function keysIn(expr: string): { exact: string[]; patterns: string[] } {
  const found = [...expr.matchAll(/\bkey=(~?)"([^"]*)"/g)];
  return {
    exact: found.filter(([, tilde]) => tilde === '').map(([, , key]) => key ?? ''),
    patterns: found.filter(([, tilde]) => tilde === '~').map(([, , key]) => (key ?? '').replaceAll('\\\\', '\\')),
  };
}

describe('alerts and dashboard', () => {
  test.each(queries)('%s: its metrics are exported', async (_name, expr) => {
    const names = [...expr.replaceAll(/"[^"]*"/g, '').matchAll(/\b(?:nodepool|nodejs|process)_\w+/g)];
    const known = await registered();
    expect(names.map(([name]) => name).filter(name => !known.has(name))).toEqual([]);
    expect(names.length > 0 || expr.startsWith('up{')).toBe(true);
  });

  test.each(queries)('%s: its keys are those of the page about metrics', (_name, expr) => {
    const { exact, patterns } = keysIn(expr);
    const events = exact.filter(key => key.startsWith('nodepool.event.'));
    expect(exact.filter(key => !events.includes(key) && !documentedKeys.includes(key))).toEqual([]);
    const unmatched = patterns.filter(pattern => !documentedKeys.some(key => new RegExp(`^(?:${pattern})$`).test(key)));
    expect(unmatched).toEqual([]);
    const actors = readdirSync('src/actors', { recursive: true, withFileTypes: true }).filter(entry => entry.isFile());
    const source = actors.map(({ parentPath, name }) => read(`${parentPath}/${name}`)).join('\n');
    expect(events.filter(key => !source.includes(`type: '${key.slice('nodepool.event.'.length)}'`))).toEqual([]);
  });

  test.each(queries)('%s: what is cut out of a key is there', (_name, expr) => {
    const cuts = [...expr.matchAll(/key=~"([^"]*)"[^"]*(?:"[^"]*"[^"]*)*?"\$1",\s*"key",\s*"([^"]*)"/g)];
    for (const [, , pattern] of cuts) {
      const cut = new RegExp(`^(?:${(pattern ?? '').replaceAll('\\\\', '\\')})$`);
      expect(
        documentedKeys.some(key => cut.test(key)),
        pattern,
      ).toBe(true);
    }
    expect(cuts.length > 0).toBe(expr.includes('label_replace'));
  });

  it('each alert says how bad it is and what to do next', () => {
    expect(rules.length).toBeGreaterThan(5);
    for (const { labels, annotations } of rules) {
      expect(['critical', 'warning', 'info']).toContain(labels.severity);
      expect(annotations.summary).not.toBe('');
      expect(annotations.next).not.toBe('');
    }
  });
});

it('the commands that alerts name exist', () => {
  const files = readdirSync('src/cli');
  const named = rules.flatMap(({ annotations }) => [...annotations.next.matchAll(/\bnodepool ([a-z-]+)/g)]);
  expect(named.length).toBeGreaterThan(5);
  expect(named.map(([, name]) => `${name ?? ''}.ts`).filter(file => !files.includes(file))).toEqual([]);
});

it('the unit notifies and is watched', () => {
  const unit = read('config/nodepoold.service');
  expect(unit).toMatch(/^Type=notify$/m);
  expect(unit).toMatch(/^WatchdogSec=60$/m);
});

it('the image is made of files that there are, and installs what was locked, and runs the daemon in the foreground', () => {
  const file = read('Dockerfile');
  expect(file).toMatch(/^ENTRYPOINT \["nodepoold", "-d"\]$/m);
  // npm install of a tarball takes newer versions than those of package-lock.json.
  expect(file).toMatch(/^ && npm ci --omit=dev /m);
  expect(file).not.toMatch(/npm install/);
  const { files } = JSON.parse(read('package.json')) as { files: string[] };
  const ignored = read('.dockerignore').split('\n').filter(Boolean);
  expect(files.filter(name => ignored.includes(name) && !name.endsWith('dist'))).toEqual([]);
});
