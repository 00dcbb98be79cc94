/** What a workload found, as one line of JSON: `bench.ts` reads it, and so can people. */
export type Figures = Readonly<Record<string, number | null>>;

export interface Finding {
  readonly workload: string;
  readonly size: Readonly<Record<string, string | number>>;
  readonly figures: Figures;
}

export function report(workload: string, size: Finding['size'], figures: Figures): void {
  const rounded = Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, round(value)]));
  console.log(JSON.stringify({ workload, size, figures: rounded } satisfies Finding));
}

/** Three digits are all that a measurement here is good for. */
function round(value: number | null): number | null {
  if (value === null || !Number.isFinite(value)) return null;
  return Math.abs(value) >= 1_000 ? Math.round(value) : Number(value.toPrecision(3));
}

/** The value that so many percent do not exceed; null of nothing. */
export function percentile(values: readonly number[], percent: number): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil((percent / 100) * sorted.length) - 1)] ?? null;
}

/** CPU of this process since then, all its threads, in milliseconds. */
export function cpuMeter(): () => number {
  const before = process.cpuUsage();
  return () => {
    const used = process.cpuUsage(before);
    return (used.user + used.system) / 1000;
  };
}
