/** One chart over time. Its lines are named beside its title, with their values at the pointer, or the last ones. */
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { clockTime } from '../format.js';
import { theme } from '../theme.js';

export interface Line {
  readonly name: string;
  /** A colour of the palette: `--used`. */
  readonly colour: string;
  readonly values: readonly (number | null)[];
}

export interface ChartProps {
  readonly title: string;
  /** Epoch milliseconds. */
  readonly at: readonly number[];
  readonly lines: readonly Line[];
  /** Each line stands on the one before. */
  readonly isStacked?: boolean;
  readonly height: number;
  readonly unit?: string;
  /** Without axes, for a glance. */
  readonly isSmall?: boolean;
}

export function Chart(props: ChartProps) {
  const { title, at, lines, height, unit = '', isSmall = false, isStacked = false } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [pointed, point] = useState<number | null>(null);
  /** One mark makes no line. */
  const hasMarks = at.length > 1;
  const shape = lines.map(({ name }) => name).join();

  useEffect(() => {
    const place = box.current;
    if (place === null || !hasMarks) return;
    const made = new uPlot(optionsOf(props, place, point), dataOf(props), place);
    plot.current = made;
    const resized = new ResizeObserver(() => made.setSize({ width: place.clientWidth, height }));
    resized.observe(place);
    return () => {
      resized.disconnect();
      made.destroy();
    };
    // The data comes by the effect below; another theme or other lines make another chart.
  }, [shape, theme.value, height, isSmall, hasMarks]);

  useEffect(() => plot.current?.setData(dataOf(props)), [at, lines]);

  const index = pointed ?? at.length - 1;
  const last = lines.map(({ name, values }) => `${name} ${valueText(values.at(-1), unit)}`).join(', ');
  return (
    <figure class={isSmall ? 'chart is-small' : 'chart'}>
      <figcaption>
        <b>{title}</b>
        {pointed === null ? null : <time>{clockTime(at[pointed] ?? 0)}</time>}
        <ul class={`legend ${isSmall && isStacked ? 'hidden' : ''}`}>
          {lines.map(({ name, colour, values }) => (
            <li key={name}>
              <i style={{ background: `var(${colour})` }} />
              {name} <b>{valueText(values[index], unit)}</b>
            </li>
          ))}
        </ul>
      </figcaption>
      <div ref={box} class="plot" role="img" aria-label={`${title}: ${at.length === 0 ? 'nothing yet' : last}`} />
      {hasMarks ? null : <p class="quiet">The first line is drawn within half a minute.</p>}
    </figure>
  );
}

function valueText(value: number | null | undefined, unit: string): string {
  return value === null || value === undefined ? '–' : `${Math.round(value * 10) / 10}${unit}`;
}

/** Stacked lines are drawn from the top one down, each over what is below it. */
function dataOf({ at, lines, isStacked = false }: ChartProps): uPlot.AlignedData {
  const times = at.map(each => each / 1000);
  if (!isStacked) return [times, ...lines.map(({ values }) => [...values])];
  const sums: number[][] = [];
  for (const { values } of lines) {
    const below = sums.at(-1);
    sums.push(values.map((value, index) => (value ?? 0) + (below?.[index] ?? 0)));
  }
  return [times, ...sums.reverse()];
}

function optionsOf(
  { lines, isStacked = false, height, isSmall = false, unit = '' }: ChartProps,
  place: HTMLElement,
  point: (index: number | null) => void,
): uPlot.Options {
  const colour = colourReader(place);
  const drawn = isStacked ? lines.toReversed() : lines;
  const axis: uPlot.Axis = {
    stroke: colour('var(--muted)'),
    grid: { stroke: colour('var(--line)'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
    show: !isSmall,
  };
  return {
    width: place.clientWidth,
    height,
    legend: { show: false },
    cursor: { y: false, points: { show: !isStacked }, drag: { x: !isSmall, y: false } },
    padding: isSmall ? [4, 0, 2, 0] : [8, 20, 0, 0],
    scales: { y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.05)] } },
    axes: [
      { ...axis, size: 28, values: (_plot, times, _axis, _space, step) => times.map(time => tickText(time, step)) },
      { ...axis, size: 48, incrs: wholeSteps, values: (_plot, values) => values.map(value => `${value}${unit}`) },
    ],
    series: [
      {},
      ...drawn.map((line): uPlot.Series => {
        const fill = isStacked ? { fill: colour(`color-mix(in srgb, var(${line.colour}) 72%, var(--surface))`) } : {};
        return {
          label: line.name,
          stroke: colour(`var(${line.colour})`),
          width: 1.5,
          points: { show: false },
          ...fill,
        };
      }),
    ],
    hooks: { setCursor: [plot => point(plot.cursor.idx ?? null)] },
  };
}

/** Nodes and jobs are whole, and a second is short enough. */
const wholeSteps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000];

function tickText(time: number, stepSeconds: number): string {
  const text = clockTime(time * 1000);
  return stepSeconds < 60 ? text : text.slice(0, 5);
}

/** A canvas knows no variables: what a colour comes to in this theme the browser says. */
function colourReader(place: HTMLElement): (css: string) => string {
  return css => {
    const probe = document.createElement('i');
    probe.style.color = css;
    place.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  };
}
