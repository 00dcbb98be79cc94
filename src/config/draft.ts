import type { Path } from './problem.js';

/**
 * The file as far as it can be read: what the checks across keys need of it, also while other keys are wrong, so that
 * one run reports everything.
 */
export interface DraftItem {
  readonly path: Path;
  readonly name: string | null;
  /** The item itself, where a list holds texts. */
  readonly self: string | null;
  text(key: string): string | null;
  number(key: string): number | null;
  has(key: string): boolean;
  isTrue(key: string): boolean;
  /** Items of a list below a key. */
  items(key: string): DraftItem[];
  /** A map below a key. */
  section(key: string): DraftItem | null;
}

export function draftOf(value: unknown, path: Path = []): DraftItem {
  const map: Readonly<Record<string, unknown>> = isMap(value) ? value : {};
  const of = (key: string): unknown => (Object.hasOwn(map, key) ? map[key] : undefined);
  const text = (key: string): string | null => {
    const found = of(key);
    return typeof found === 'string' && found !== '' ? found : null;
  };
  return {
    path,
    name: text('name'),
    self: typeof value === 'string' ? value : null,
    text,
    number: key => {
      const found = of(key);
      return typeof found === 'number' ? found : null;
    },
    has: key => of(key) !== undefined && of(key) !== null,
    isTrue: key => of(key) === true,
    items: key => {
      const found = of(key);
      return Array.isArray(found) ? found.map((item, index) => draftOf(item, [...path, key, index])) : [];
    },
    section: key => (isMap(of(key)) ? draftOf(of(key), [...path, key]) : null),
  };
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
