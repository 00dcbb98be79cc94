/** The screen of `top`: what the daemon says, drawn again each second, and the keys that look closer. */
import { Box, render, Text, useApp, useInput, useStdout, type Key } from 'ink';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { DaemonUnreachable, type ControlClient } from '../../http/client.js';
import { ControlError } from '../../http/control-error.js';
import type { NodeView } from '../../ports/control.js';
import type { CliContext, Terminal } from '../context.js';
import { onOwnScreen } from '../own-screen.js';
import { glance } from '../top.js';
import { placeOf, pressed, shownOf, start, type Browsing } from './browsing.js';
import {
  columns,
  conditionOf,
  countsOf,
  nodeCells,
  nodeHeaders,
  providerCells,
  providerHeaders,
  rowsWithin,
  summaryOf,
  type Glance,
  type Sorting,
} from './glance.js';
import { NodeScreen } from './node-screen.js';
import { stateColours } from './colours.js';

const redrawMs = 1_000;
/** Ten thousand nodes are some megabytes a look. */
const msPerNode = 0.5;
export interface TopProps {
  readonly daemon: ControlClient;
  readonly terminal: Terminal;
  readonly context: Pick<CliContext, 'signal' | 'sleep' | 'now'>;
}

/** Resolves when somebody leaves it; rejects where there is no daemon from the start. */
export async function showTop(props: TopProps): Promise<void> {
  const first = await glance(props.daemon);
  const { stdin, stdout } = props.terminal;
  await onOwnScreen(stdout, async () => {
    const screen = render(<Top {...props} first={first} />, { stdin, stdout, exitOnCtrlC: true, patchConsole: false });
    props.context.signal.addEventListener('abort', () => screen.unmount(), { once: true });
    await screen.waitUntilExit();
  });
}

export function Top({ daemon, context, first }: Omit<TopProps, 'terminal'> & { readonly first: Glance }) {
  const [seen, trouble] = useGlance(daemon, context, first);
  const [browsing, press] = useBrowsing(seen.nodes);
  const { exit } = useApp();
  const { rows: height, columns: width } = useSize();
  const { openId, sorting, filter, isTyping } = browsing;
  useInput((input, key) => {
    if (press(input, key).hasLeft) exit();
  });

  if (openId !== null) {
    return (
      <Frame height={height} width={width}>
        <NodeScreen id={openId} daemon={daemon} context={context} height={height} />
      </Frame>
    );
  }
  const shown = shownOf(browsing, seen.nodes);
  const rows = rowsWithin(height, seen.providers.length);
  return (
    <Frame height={height} width={width}>
      <Headline seen={seen} trouble={trouble} />
      {rows.providers > 0 ? <Providers seen={seen} rows={rows.providers} /> : null}
      <Nodes
        shown={shown}
        at={placeOf(browsing, shown)}
        rows={rows.nodes}
        sorting={sorting}
        filter={filter}
        isTyping={isTyping}
      />
      <Text dimColor wrap="truncate">
        {'↑↓ choose  Enter its story  s sort  r reverse  / filter  Esc all  q leave'}
      </Text>
    </Frame>
  );
}

/** One row less than the screen: Ink clears the terminal with all that was scrolled out of it for whatever fills it. */
function Frame({ height, width, children }: { height: number; width: number; children: ReactNode }) {
  return (
    <Box height={height - 1} width={width} overflow="hidden">
      <Box flexDirection="column" flexShrink={0} width={width}>
        {children}
      </Box>
    </Box>
  );
}

/** A key may come before the last one has been drawn, so each starts from where the last one led. */
function useBrowsing(nodes: readonly NodeView[]): readonly [Browsing, (input: string, key: Key) => Browsing] {
  const latest = useRef(start);
  const latestNodes = useRef(nodes);
  latestNodes.current = nodes;
  const [browsing, show] = useState(start);
  const press = (input: string, key: Key): Browsing => {
    latest.current = pressed(latest.current, input, key, latestNodes.current);
    show(latest.current);
    return latest.current;
  };
  return [browsing, press];
}

/** Looks again after each look; what was seen last stays while the daemon is silent. */
function useGlance(
  daemon: ControlClient,
  { signal, sleep }: Pick<CliContext, 'signal' | 'sleep'>,
  first: Glance,
): readonly [Glance, string | null] {
  const [seen, see] = useState(first);
  const [trouble, tell] = useState<string | null>(null);
  useEffect(() => {
    let isOver = false;
    const look = async (): Promise<void> => {
      let size = first.nodes.length;
      while (!isOver && !signal.aborted) {
        await sleep(Math.max(redrawMs, size * msPerNode));
        if (isOver) return;
        try {
          const next = await glance(daemon);
          size = next.nodes.length;
          see(next);
          tell(null);
        } catch (error) {
          if (!(error instanceof DaemonUnreachable) && !(error instanceof ControlError)) throw error;
          tell(error.message);
        }
      }
    };
    void look();
    return () => {
      isOver = true;
    };
  }, []);
  return [seen, trouble];
}

function useSize(): { rows: number; columns: number } {
  const { stdout } = useStdout();
  const read = () => ({ rows: stdout.rows || 24, columns: stdout.columns || 80 });
  const [size, resize] = useState(read);
  useEffect(() => {
    const changed = (): void => resize(read());
    stdout.on('resize', changed);
    return () => void stdout.off('resize', changed);
  }, [stdout]);
  return size;
}

function Headline({ seen, trouble }: { readonly seen: Glance; readonly trouble: string | null }) {
  return (
    <Box flexDirection="column" marginBottom={1}>
      <Text wrap="truncate">
        <Text bold>nodepool</Text> {trouble === null ? summaryOf(seen) : <Text color="red">{trouble}</Text>}
      </Text>
      <Text wrap="truncate">
        {countsOf(seen.nodes).map(({ state, count }) => (
          <Text key={state} color={stateColours[state] ?? ''} bold={count > 0} dimColor={count === 0}>
            {`${state} ${count}   `}
          </Text>
        ))}
      </Text>
    </Box>
  );
}

function Providers({ seen, rows }: { readonly seen: Glance; readonly rows: number }) {
  const lines = columns([providerHeaders, ...seen.providers.map(providerCells)]);
  const hidden = seen.providers.length - rows;
  return (
    <Box flexDirection="column" marginBottom={1}>
      {lines.slice(0, rows + 1).map((line, index) => {
        const provider = seen.providers[index - 1];
        const isWell = provider === undefined || conditionOf(provider) === 'well';
        return (
          <Text key={index} wrap="truncate" dimColor={index === 0} {...(isWell ? {} : { color: 'red' })}>
            {line}
          </Text>
        );
      })}
      {hidden > 0 ? <Text dimColor>and {hidden} more</Text> : null}
    </Box>
  );
}

function Nodes({
  shown,
  at,
  rows,
  sorting,
  filter,
  isTyping,
}: {
  readonly shown: readonly NodeView[];
  readonly at: number;
  readonly rows: number;
  readonly sorting: Sorting;
  readonly filter: string;
  readonly isTyping: boolean;
}) {
  const first = Math.max(0, Math.min(at - Math.floor(rows / 2), shown.length - rows));
  const seen = shown.slice(first, first + rows);
  const [head = '', ...lines] = columns([nodeHeaders, ...seen.map(nodeCells)]);
  const how = `by ${sorting.key}${sorting.isReversed ? ', reversed' : ''}`;
  const filtered = isTyping || filter !== '' ? `  /${filter}${isTyping ? '▏' : ''}` : '';
  return (
    <Box flexDirection="column">
      <Text dimColor wrap="truncate">{`  ${head}   (${shown.length}, ${how})${filtered}`}</Text>
      {lines.map((line, index) => {
        const node = seen[index];
        const isChosen = first + index === at;
        return (
          <Text key={node?.id} wrap="truncate" inverse={isChosen} color={stateColours[node?.state ?? ''] ?? ''}>
            {`${isChosen ? '>' : ' '} ${line}`}
          </Text>
        );
      })}
    </Box>
  );
}
