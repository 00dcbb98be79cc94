/** One node in `top`: its facts, its actor, and the end of its story. */
import { Box, Text } from 'ink';
import { useEffect, useState } from 'react';
import type { StoryEntry } from '../../domain/story.js';
import { DaemonUnreachable, type ControlClient } from '../../http/client.js';
import { ControlError } from '../../http/control-error.js';
import type { NodeStoryView } from '../../ports/control.js';
import type { CliContext } from '../context.js';
import { storyLines } from '../story-lines.js';
import { stateColours } from './colours.js';
import { columns, nodeCells, nodeHeaders } from './glance.js';

const againMs = 1_000;

export interface NodeScreenProps {
  readonly id: number;
  readonly daemon: ControlClient;
  readonly context: Pick<CliContext, 'signal' | 'sleep' | 'now'>;
  readonly height: number;
}

export function NodeScreen({ id, daemon, context, height }: NodeScreenProps) {
  const [view, trouble] = useStory(id, daemon, context);
  const story = view?.story ?? [];
  const shown = story.slice(-Math.max(1, height - 10));
  return (
    <Box flexDirection="column">
      <Text bold>node {id}</Text>
      {trouble === null ? null : (
        <Text color="red" wrap="truncate">
          {trouble}
        </Text>
      )}
      {view === null ? <Text dimColor>…</Text> : null}
      {view !== null && view.node === null ? <Text>It is gone.</Text> : null}
      {view?.node == null ? null : (
        <Box flexDirection="column" marginBottom={1}>
          {columns([nodeHeaders, nodeCells(view.node)]).map((line, index) => (
            <Text key={index} wrap="truncate" dimColor={index === 0} color={index === 0 ? '' : colourOf(view)}>
              {line}
            </Text>
          ))}
          <Text dimColor wrap="truncate">
            {[view.node.hostname, view.node.serverId, view.node.ip, view.node.ipPrivate].filter(Boolean).join('  ')}
          </Text>
          <Text dimColor wrap="truncate">{`actor /providers/${view.node.provider}/nodes/${id}`}</Text>
        </Box>
      )}
      {story.length > shown.length ? <Text dimColor>{`${story.length - shown.length} earlier`}</Text> : null}
      {storyLines(story, context.now(), story.length - shown.length).map((line, index) => (
        <Text key={index} wrap="truncate" {...(isTrouble(shown[index]) ? { color: 'red' } : {})}>
          {line}
        </Text>
      ))}
      <Text dimColor>Esc back</Text>
    </Box>
  );
}

function isTrouble(entry: StoryEntry | undefined): boolean {
  return entry?.kind === 'fault' || (entry?.kind === 'call' && !entry.isOk);
}

function colourOf({ node }: NodeStoryView): string {
  return stateColours[node?.state ?? ''] ?? '';
}

function useStory(
  id: number,
  daemon: ControlClient,
  { signal, sleep }: Pick<CliContext, 'signal' | 'sleep'>,
): readonly [NodeStoryView | null, string | null] {
  const [view, see] = useState<NodeStoryView | null>(null);
  const [trouble, tell] = useState<string | null>(null);
  useEffect(() => {
    let isOver = false;
    const look = async (): Promise<void> => {
      while (!isOver && !signal.aborted) {
        try {
          const found = await daemon.node(id);
          if (isOver) return;
          see(found);
          tell(found === null ? `there is no node ${id}` : null);
        } catch (error) {
          if (!(error instanceof DaemonUnreachable) && !(error instanceof ControlError)) throw error;
          tell(error.message);
        }
        await sleep(againMs);
      }
    };
    void look();
    return () => {
      isOver = true;
    };
  }, [id]);
  return [view, trouble];
}
