import { isAlias, isMap, isNode, isPair, isScalar, isSeq, parseDocument, visit } from 'yaml';
import type { Alias, Document, Node, ScalarTag, YAMLMap } from 'yaml';
import { otherSpellings } from './keys.js';
import type { Path } from './problem.js';

/** A YAML text taken apart: plain values, and where each of them stands. */
export interface ConfigDocument {
  /** Maps, lists and scalars; null for an empty text. */
  readonly raw: unknown;
  readonly text: string;
  /** Position of the key at `path`, or of the item of a list; the nearest one outside when there is none. */
  positionOfKey(path: Path): Position;
  /** Position of the value at `path`. */
  positionOfValue(path: Path): Position;
  /** A plain scalar as it is written (`2014.10`, `yes`), or null. */
  sourceOf(path: Path): string | null;
}

export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface SyntaxProblem extends Position {
  readonly message: string;
}

/** 2014's largest files had some 25 KiB; what is larger than this is no configuration. */
export const FILE_BYTES_MAX = 4 * 1024 * 1024;
/** Aliases of one anchor multiply; the yaml package refuses to expand beyond this many. */
const ALIASES_MAX = 1000;
/** Merges of merges of merges; ours are one deep. */
const MERGES_MAX = 64;

/**
 * YAML as the original's parser read it where files depend on that: `yes`, `no`, `on` and `off` are booleans and `<<`
 * merges. A date or a number with colons stays text.
 */
export function parseYaml(text: string): ConfigDocument | { readonly syntax: readonly SyntaxProblem[] } {
  const at = placesIn(text);
  try {
    const document = parseDocument(text, {
      merge: true,
      customTags: tags => [pythonBoolean, ...tags],
      prettyErrors: false,
      uniqueKeys: true,
      logLevel: 'error',
    });
    const syntax = [...document.errors, ...document.warnings].map(error => ({
      ...at(error.pos[0]),
      message: plainMessage(error.code, error.message),
    }));
    syntax.push(...aliasProblems(document, at));
    if (syntax.length > 0) return { syntax };
    const raw: unknown = document.toJS({ maxAliasCount: ALIASES_MAX });
    return { raw, text, ...positions(document, at) };
  } catch (error) {
    // A RangeError is an exhausted stack, a ReferenceError the limit on aliases, a TypeError a merge of no map.
    if (!(error instanceof Error)) throw error;
    const message = /alias/i.test(error.message) ? 'too many aliases: they expand without bound' : error.message;
    return { syntax: [{ line: 1, column: 1, message: `not YAML that can be read: ${message}` }] };
  }
}

/**
 * Line and column of an offset. The parser's own counter is not used: it loses lines after some errors. Its end of the
 * file is the place behind the last character; a position is to be one that an editor can show.
 */
function placesIn(text: string): (offset: number) => Position {
  const starts = [0, ...Array.from(text.matchAll(/\n/g), match => match.index + 1)];
  return offset => {
    const within = Math.min(Math.max(offset, 0), Math.max(text.length - 1, 0));
    const line = starts.findLastIndex(start => start <= within);
    return { line: line + 1, column: within - (starts[line] ?? 0) + 1 };
  };
}

const pythonBoolean: ScalarTag = {
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  test: /^(?:yes|no|on|off)$/i,
  resolve: text => /^(?:yes|on)$/i.test(text),
};

function aliasProblems(document: Document, at: (offset: number) => Position): SyntaxProblem[] {
  const aliases: Alias[] = [];
  visit(document, {
    Alias: (_, alias) => {
      aliases.push(alias);
    },
  });
  const excess = aliases[ALIASES_MAX];
  if (excess !== undefined) return [{ ...at(excess.range?.[0] ?? 0), message: `more than ${ALIASES_MAX} aliases` }];
  return aliases
    .filter(alias => alias.resolve(document) === undefined)
    .map(alias => ({ ...at(alias.range?.[0] ?? 0), message: `an alias without its anchor: *${alias.source}` }));
}

function plainMessage(code: string, message: string): string {
  switch (code) {
    case 'TAB_AS_INDENT':
      return 'a tab: YAML is indented with spaces';
    case 'DUPLICATE_KEY':
      return 'the same key a second time';
    case 'MULTIPLE_DOCS':
      return 'a second document begins here; the file is to be one';
    case 'TAG_RESOLVE_FAILED':
      return `an unknown YAML tag: ${message.replace(/^Unresolved tag: /, '')}`;
    default:
      return `not YAML: ${message.split('\n')[0] ?? code}`;
  }
}

function positions(document: Document, at: (offset: number) => Position): Omit<ConfigDocument, 'raw' | 'text'> {
  const find = (path: Path): Found => {
    let found: Found = { key: null, value: resolved(document, document.contents) };
    for (const part of path) {
      const next: Found | null = step(document, found.value, part);
      if (next === null) return found;
      found = next;
    }
    return found;
  };
  const start = (node: Node | null): Position | null => (node?.range ? at(node.range[0]) : null);
  return {
    positionOfKey: path => {
      const { key, value } = find(path);
      return start(key) ?? start(value) ?? at(0);
    },
    positionOfValue: path => {
      const { key, value } = find(path);
      return start(value) ?? start(key) ?? at(0);
    },
    sourceOf: path => {
      const { value } = find(path);
      return isScalar(value) && value.type === 'PLAIN' && value.source !== undefined ? value.source : null;
    },
  };
}

interface Found {
  readonly key: Node | null;
  readonly value: Node | null;
}

function step(document: Document, node: Node | null, part: string | number): Found | null {
  if (isSeq(node) && typeof part === 'number') {
    const item = node.items[part];
    return isNode(item) ? { key: item, value: resolved(document, item) } : null;
  }
  return isMap(node) ? entry(document, node, part, 0) : null;
}

function entry(document: Document, map: YAMLMap, part: string | number, merges: number): Found | null {
  const pairs = map.items.filter(isPair);
  for (const { key, value } of pairs) {
    if (!isScalar(key)) continue;
    const name = String(key.value);
    if (name === String(part) || otherSpellings.get(name) === part) {
      return { key, value: isNode(value) ? resolved(document, value) : null };
    }
  }
  if (merges > MERGES_MAX) return null;
  for (const { key, value } of pairs) {
    if (!isScalar(key) || !(key.value === '<<' || typeof key.value === 'symbol') || !isNode(value)) continue;
    const merged = resolved(document, value);
    const sources = isSeq(merged)
      ? merged.items.map(item => (isNode(item) ? resolved(document, item) : null))
      : [merged];
    for (const source of sources) {
      const found: Found | null = isMap(source) ? entry(document, source, part, merges + 1) : null;
      if (found !== null) return found;
    }
  }
  return null;
}

function resolved(document: Document, node: Node | null): Node | null {
  if (!isAlias(node)) return node;
  const target: unknown = node.resolve(document);
  return isNode(target) ? target : null;
}
