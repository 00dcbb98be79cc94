/** The last hours: nodes by state, jobs that wait, how long launches take, and how many fail. */
import type { HistoryView as History } from '../../../src/ports/control.js';
import { byName } from '../format.js';
import { Chart, type ChartProps } from '../parts/chart.js';
import { history, statesInOrder } from '../state.js';

export function HistoryView() {
  const seen = history.value;
  return (
    <>
      <div class="bar">
        <h2>The last hours</h2>
        <p class="quiet">
          The daemon keeps six hours in memory. Drag over a chart to look closer, double-click to go back.
        </p>
      </div>
      {seen === null ? <p class="empty">Reading the history …</p> : null}
      <div class="charts">
        {seen === null ? null : chartsOf(seen).map(chart => <Chart key={chart.title} {...chart} height={230} />)}
      </div>
    </>
  );
}

export function SmallCharts() {
  const seen = history.value;
  if (seen === null || seen.at.length < 2) return null;
  return (
    <div class="charts is-small">
      {chartsOf(seen).map(chart => (
        <Chart key={chart.title} {...chart} height={56} isSmall />
      ))}
    </div>
  );
}

/** So many labels can be told apart; the others are one line. */
const labelColours = ['--used', '--building', '--hold', '--ready', '--test'];

function chartsOf(seen: History): Omit<ChartProps, 'height'>[] {
  const { at } = seen;
  return [
    {
      title: 'Nodes',
      at,
      isStacked: true,
      lines: statesInOrder.map(state => ({ name: state, colour: `--${state}`, values: seen.nodes[state] })),
    },
    { title: 'Jobs waiting', at, lines: waitingLines(seen) },
    {
      title: 'Launch time',
      at,
      unit: ' s',
      lines: [
        { name: 'median', colour: '--used', values: seen.launchP50Seconds },
        { name: '99 %', colour: '--building', values: seen.launchP99Seconds },
      ],
    },
    {
      title: 'Launches',
      at,
      lines: [
        { name: 'came up', colour: '--ready', values: seen.launched },
        { name: 'failed', colour: '--trouble', values: seen.failed },
      ],
    },
  ];
}

function waitingLines({ waiting, at }: History): ChartProps['lines'] {
  const weight = (values: readonly (number | null)[]): number =>
    values.reduce<number>((sum, each) => sum + (each ?? 0), 0);
  const labels = Object.entries(waiting).sort(([a, own], [b, other]) => weight(other) - weight(own) || byName(a, b));
  const named = labels.slice(0, labelColours.length).map(([name, values], index) => ({
    name,
    colour: labelColours[index] ?? '--muted',
    values,
  }));
  const others = labels.slice(labelColours.length);
  if (others.length === 0) return named;
  const sums = at.map((_time, index) => others.reduce((sum, [, values]) => sum + (values[index] ?? 0), 0));
  return [...named, { name: `${others.length} others`, colour: '--muted', values: sums }];
}
