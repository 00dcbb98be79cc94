/**
 * The report of a rehearsal as one page that loads nothing: figures, and charts as drawings that are in the page itself,
 * so that it can be kept, sent and printed.
 */
import type { Course, RehearsalReport, Sample } from './rehearsal.js';

export interface PageText {
  readonly title: string;
  /** Name and value of each figure, as the terminal has them. */
  readonly figures: readonly (readonly [string, string])[];
}

interface Series {
  readonly name: string;
  readonly values: readonly number[];
}

interface ChartSpec {
  readonly title: string;
  readonly series: readonly Series[];
  readonly isStacked?: boolean;
}

const width = 760;
const height = 220;
const margin = { left: 48, right: 12, top: 10, bottom: 26 };
const plotWidth = width - margin.left - margin.right;
const plotHeight = height - margin.top - margin.bottom;
const ticks = 4;

export function reportPage(report: RehearsalReport, course: Course, { title, figures }: PageText): string {
  const charts = chartsOf(course).filter(({ series }) => series.length > 0);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<h1>${escaped(title)}</h1>
<p class="${isWell(report) ? 'well' : 'bad'}">${isWell(report) ? 'All jobs are done, and nothing was left behind.' : 'Jobs were left, or something leaked.'}</p>
<table>${figures.map(([name, value]) => `<tr><th scope="row">${escaped(name)}</th><td>${escaped(value)}</td></tr>`).join('')}</table>
${charts.map(spec => chart(spec, course)).join('\n')}
</body>
</html>
`;
}

export function isWell({ isFinished, leakedServers, leakedSlaves, secondJobs }: RehearsalReport): boolean {
  return isFinished && leakedServers + leakedSlaves + secondJobs === 0;
}

function chartsOf({ samples, waits }: Course): ChartSpec[] {
  const of = (read: (sample: Sample) => number): number[] => samples.map(read);
  const states = namesIn(samples.map(({ nodes }) => nodes));
  const providers = namesIn(samples.map(({ servers }) => servers));
  return [
    {
      title: 'Nodes by state',
      isStacked: true,
      series: states.map(name => ({ name, values: of(({ nodes }) => nodes[name] ?? 0) })),
    },
    {
      title: 'Servers by provider',
      isStacked: true,
      series: providers.map(name => ({ name, values: of(({ servers }) => servers[name] ?? 0) })),
    },
    {
      title: 'Jobs',
      series: [
        { name: 'waiting', values: of(({ waiting }) => waiting) },
        { name: 'running', values: of(({ running }) => running) },
        { name: 'finished', values: of(({ finished }) => finished) },
      ],
    },
    {
      title: 'Jobs that had waited no longer than this',
      series: [{ name: 'started', values: of(({ at }) => waits.filter(seconds => seconds <= at).length) }],
    },
    { title: 'Database connections lent', series: [{ name: 'lent', values: of(({ connections }) => connections) }] },
  ];
}

/** Those that are ever more than zero. */
function namesIn(counts: readonly Readonly<Record<string, number>>[]): string[] {
  const names = counts.flatMap(each => Object.entries(each).flatMap(([name, count]) => (count > 0 ? [name] : [])));
  return [...new Set(names)];
}

// ── Drawing ──────────────────────────────────────────────────────────────────────────────────────────────────────

function chart(spec: ChartSpec, { samples, fault }: Course): string {
  const tops = spec.isStacked === true ? stacked(spec.series) : spec.series.map(({ values }) => values);
  const end = Math.max(1, samples.at(-1)?.at ?? 1);
  const most = tops.reduce((high, values) => values.reduce((a, b) => Math.max(a, b), high), 1);
  const x = (at: number): number => round(margin.left + (at / end) * plotWidth);
  const y = (value: number): number => round(margin.top + (1 - value / most) * plotHeight);
  const pointsOf = (values: readonly number[]): string[] =>
    samples.map(({ at }, index) => `${x(at)},${y(values[index] ?? 0)}`);
  const shapes = tops.map((values, index) => {
    const colour = colourOf(index, tops.length);
    const line = pointsOf(values);
    if (spec.isStacked !== true) return `<polyline points="${line.join(' ')}" fill="none" stroke="${colour}"/>`;
    const below = tops[index - 1] ?? values.map(() => 0);
    return `<polygon points="${[...line, ...pointsOf(below).reverse()].join(' ')}" fill="${colour}"/>`;
  });
  const band =
    fault === null
      ? ''
      : `<rect class="fault" x="${x(fault.from)}" y="${margin.top}" width="${round(Math.max(2, x(fault.until) - x(fault.from)))}" height="${plotHeight}"><title>${escaped(fault.name)}</title></rect>`;
  return `<figure>
<figcaption>${escaped(spec.title)}</figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(spec.title)}">
${axes(end, most, { x, y })}
${shapes.join('\n')}
${band}
</svg>
${legend(spec.series, fault)}
</figure>`;
}

function stacked(series: readonly Series[]): number[][] {
  const tops: number[][] = [];
  for (const { values } of series) {
    const below = tops.at(-1);
    tops.push(values.map((value, index) => value + (below?.[index] ?? 0)));
  }
  return tops;
}

function axes(
  end: number,
  most: number,
  { x, y }: { readonly x: (at: number) => number; readonly y: (value: number) => number },
): string {
  const lines = Array.from({ length: ticks + 1 }, (_, index) => index / ticks);
  return lines
    .map(part => {
      const level = y(part * most);
      const at = part * end;
      return `<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${level}" y2="${level}"/>
<text x="${margin.left - 6}" y="${level + 4}" text-anchor="end">${Math.round(part * most * 10) / 10}</text>
<text x="${x(at)}" y="${height - 8}" text-anchor="${part === 1 ? 'end' : 'middle'}">${Math.round(at / 6) / 10} min</text>`;
    })
    .join('\n');
}

function legend(series: readonly Series[], fault: Course['fault']): string {
  const entries = series.map(({ name, values }, index) => {
    const most = values.reduce((a, b) => Math.max(a, b), 0);
    return `<li><i style="background:${colourOf(index, series.length)}"></i>${escaped(name)} <small>at most ${most}</small></li>`;
  });
  const shaded = fault === null ? '' : `<li><i class="fault"></i>${escaped(fault.name)}</li>`;
  return `<ul>${entries.join('')}${shaded}</ul>`;
}

function colourOf(index: number, count: number): string {
  return `hsl(${Math.round(205 + (index * 360) / Math.max(1, count)) % 360} 60% ${index % 2 === 0 ? 45 : 58}%)`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/[&<>"]/g, letter => entities[letter] ?? letter);
}

const style = `
:root{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}
body{max-width:860px;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse}th{text-align:left;font-weight:600;padding:.15rem 1rem .15rem 0;vertical-align:top;white-space:nowrap}
.well{border-left:4px solid #2a8a4a;padding-left:.6rem}.bad{border-left:4px solid #c03030;padding-left:.6rem}
figure{margin:1.5rem 0}figcaption{font-weight:600}
svg{width:100%;height:auto}svg text{font-size:11px;fill:currentColor}
polyline{stroke-width:2}.grid{stroke:currentColor;opacity:.15}
rect.fault{fill:#c03030;opacity:.18}
ul{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1rem;padding:0;margin:.3rem 0}
li i{display:inline-block;width:.8em;height:.8em;margin-right:.4em}li i.fault{background:#c03030;opacity:.4}
small{opacity:.7}
@media print{figure{break-inside:avoid}}`;
