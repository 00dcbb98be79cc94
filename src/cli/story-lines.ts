/** The story of a node as lines: when, what kind of thing, how long, what. */
import { storyLengths, storyText, type StoryEntry } from '../domain/story.js';
import { plainText } from './plain-text.js';
import { columns } from './top/glance.js';
import { shortAge } from './tree-drawing.js';

/** `skipped`: so many of the first are not wanted. Calls stand below the step that made them. */
export function storyLines(story: readonly StoryEntry[], now: number, skipped = 0): string[] {
  const lengths = storyLengths(story, now);
  const rows = story.map((entry, index) => {
    const ms = lengths[index] ?? null;
    return [
      new Date(entry.at).toISOString().slice(11, 23),
      entry.kind,
      ms === null ? '' : lengthOf(ms),
      `${entry.kind === 'call' ? '  ' : ''}${plainText(storyText(entry))}`,
    ];
  });
  return columns(rows.slice(skipped));
}

const lengthOf = (ms: number): string => (ms < 1_000 ? `${Math.round(ms)}ms` : shortAge(ms / 1000));
