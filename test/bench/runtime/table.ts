/** The table of a run, in Markdown. */
import { markdown } from '../tables.js';
import type { Figure, Measured, SystemName } from './catalogue.js';
import { median } from './meters.js';
import type { Outcome } from './run.js';

/** The outcomes of each workload on each system, in the order of the rounds. */
export type Samples = Map<`${string} ${SystemName}`, Outcome[]>;

type Verdict = 'great' | 'must' | 'missed' | 'failed';

export function render(
  workloads: readonly Measured[],
  systems: readonly SystemName[],
  samples: Samples,
  conditions: string,
): string {
  const rows: string[][] = [];
  const missed: string[] = [];
  for (const { workload, figures } of workloads) {
    for (const figure of figures) {
      const row = [figure.title];
      const of = (system: SystemName): Column => new Column(samples, workload, system, figure);
      for (const system of systems) row.push(of(system).text);
      if (systems.includes('ours')) {
        const verdict = of('ours').verdict;
        row.push(asked(figure, figure.must), asked(figure, figure.great), verdict);
        if (verdict === 'missed' || verdict === 'failed') missed.push(`${figure.title} (${of('ours').text})`);
      }
      rows.push(row);
    }
  }
  const head = ['', ...systems, ...(systems.includes('ours') ? ['must', 'great', 'reached'] : [])];
  const lines = [conditions, '', ...markdown(head, rows)];
  if (systems.includes('ours')) lines.push('', missed.length > 0 ? `Missed: ${missed.join('; ')}.` : 'Nothing missed.');
  return lines.join('\n');
}

/** One figure of one system over the rounds. */
class Column {
  readonly #outcomes: readonly Outcome[];
  readonly #baseline: readonly Outcome[];
  readonly #figure: Figure;

  constructor(samples: Samples, workload: string, system: SystemName, figure: Figure) {
    this.#outcomes = samples.get(`${workload} ${system}`) ?? [];
    this.#baseline = system === 'ring-micro' ? [] : (samples.get(`${workload} ring-micro`) ?? []);
    this.#figure = figure;
  }

  get text(): string {
    const value = this.#value;
    if (value === null) return this.#failure ?? 'never in time';
    const ratio = this.#ratio;
    const failures = this.#outcomes.filter(outcome => 'failed' in outcome).length;
    return [
      amount(value, this.#figure.unit),
      ratio === null ? '' : ` (${twoDigits(ratio)})`,
      failures > 0 ? `, ${failures} of ${this.#outcomes.length} failed` : '',
    ].join('');
  }

  get verdict(): Verdict {
    const value = this.#figure.by === 'ring-micro' ? this.#ratio : this.#value;
    if (value === null || this.#failure !== undefined) return 'failed';
    const isReached = (goal: number): boolean => (this.#figure.by === 'less' ? value <= goal : value >= goal);
    if (isReached(this.#figure.great)) return 'great';
    return isReached(this.#figure.must) ? 'must' : 'missed';
  }

  get #value(): number | null {
    const values = this.#outcomes.map(outcome => this.#of(outcome)).filter(value => value !== null);
    return values.length > 0 ? median(values) : null;
  }

  /** Each round against the baseline of the same round, so that a load that comes and goes hits both. */
  get #ratio(): number | null {
    if (this.#figure.by !== 'ring-micro') return null;
    const ratios: number[] = [];
    this.#outcomes.forEach((outcome, round) => {
      const own = this.#of(outcome);
      const bare = this.#of(this.#baseline[round]);
      if (own !== null && bare !== null) ratios.push(own / bare);
    });
    return ratios.length > 0 ? median(ratios) : null;
  }

  get #failure(): string | undefined {
    for (const outcome of this.#outcomes) if ('failed' in outcome) return outcome.failed;
    return undefined;
  }

  #of(outcome: Outcome | undefined): number | null {
    return outcome && 'figures' in outcome ? (outcome.figures[this.#figure.key] ?? null) : null;
  }
}

function asked({ by, unit }: Figure, goal: number): string {
  if (by === 'ring-micro') return `≥ ${goal}`;
  return `${by === 'less' ? '≤' : '≥'} ${amount(goal, unit)}`;
}

function amount(value: number, unit: string): string {
  if (unit === ' ms') return `${value.toFixed(1)}${unit}`;
  if (value >= 1e6) return `${(value / 1e6).toPrecision(3)}M${unit}`;
  if (value >= 10_000) return `${Math.round(value / 1e3)}k${unit}`;
  return `${value >= 100 ? Math.round(value) : twoDigits(value)}${unit}`;
}

function twoDigits(value: number): string {
  return value >= 0.1 ? value.toFixed(2) : value.toPrecision(1);
}
