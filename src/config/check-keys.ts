import { z } from 'zod';
import type { ConfigDocument } from './document.js';
import { nearest } from './formats.js';
import { bare, elementOf, fileKeys, otherSpellings, secretKeys } from './keys.js';
import type { FileKeys } from './keys.js';
import { pathText } from './problem.js';
import type { Path } from './problem.js';

/** A finding before it has a place: the caller knows file, line and column. */
export interface Finding {
  readonly path: Path;
  /** Whether the key, the value or the thing around a missing key is meant. */
  readonly at: 'key' | 'value' | 'parent';
  readonly message: string;
  readonly suggestion: string | null;
}

export interface CheckedKeys {
  /** The file as far as it could be read, for the checks that look across it. */
  readonly raw: unknown;
  /** Null when a key is unknown, missing or of the wrong type. */
  readonly keys: FileKeys | null;
  readonly findings: readonly Finding[];
}

/** Unknown and missing keys, types, ranges and formats: all that can be said of one key alone. */
export function checkKeys(document: ConfigDocument): CheckedKeys {
  const raw = withUsualSpellings(document.raw);
  let result = fileKeys.safeParse(raw);
  if (!result.success && repair(raw, result.error.issues, document)) result = fileKeys.safeParse(raw);
  if (result.success) return { raw, keys: result.data, findings: [] };
  const findings = result.error.issues.flatMap(issue => findingsOf(issue, raw));
  return { raw, keys: null, findings: findings.concat(prototypeKeys(document.raw, [])) };
}

/**
 * Two things that YAML makes awkward are taken as meant: a plain scalar where text is wanted (`release: 21`) is text as
 * it is written, and a key without a value counts as absent. True when something changed.
 */
function repair(raw: unknown, issues: readonly z.core.$ZodIssue[], document: ConfigDocument): boolean {
  let isChanged = false;
  for (const issue of issues) {
    if (issue.code !== 'invalid_type') continue;
    const path = pathOf(issue.path);
    const last = path.at(-1);
    const parent = valueAt(raw, path.slice(0, -1));
    if (last === undefined || !isContainer(parent)) continue;
    const value = parent[last];
    if (value === null && typeof last === 'string' && !(typeAt(path.slice(0, -1)) instanceof z.ZodRecord)) {
      delete parent[last];
      isChanged = true;
    } else if (issue.expected === 'string' && (typeof value === 'number' || typeof value === 'boolean')) {
      const source = document.sourceOf(path);
      if (source === null) continue;
      parent[last] = source;
      isChanged = true;
    }
  }
  return isChanged;
}

function findingsOf(issue: z.core.$ZodIssue, raw: unknown): Finding[] {
  const path = pathOf(issue.path);
  const key = path.length === 0 ? 'the file' : keyText(path);
  const value = valueAt(raw, path);
  const finding = (message: string, suggestion: string | null = null): Finding[] => [
    { path, at: 'value', message, suggestion },
  ];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map(unknown => {
        const known = knownKeys(path);
        return {
          path: [...path, unknown],
          at: 'key',
          message: `unknown key ${unknown}`,
          suggestion: inItsSection(unknown, path) ?? nearest(unknown, known),
        };
      });
    case 'invalid_type':
      if (value === undefined) return [{ path, at: 'parent', message: `missing key ${key}`, suggestion: null }];
      return finding(
        `${key} must be ${wanted(issue.expected)}, is ${kindOf(value)}`,
        converted(issue.expected, value, path),
      );
    case 'too_small':
      return finding(`${key} must be at least ${Number(issue.minimum)}, is ${shown(value, path)}`);
    case 'too_big':
      return finding(`${key} must be at most ${Number(issue.maximum)}, is ${shown(value, path)}`);
    case 'invalid_value': {
      const values = issue.values.map(String);
      const meant = typeof value === 'string' ? nearest(value, values) : null;
      return finding(`${key} must be one of ${values.join(', ')}, is ${shown(value, path)}`, meant);
    }
    case 'custom': {
      const suggestion: unknown = issue.params?.['suggestion'];
      return finding(`${key}: ${issue.message}`, typeof suggestion === 'string' ? suggestion : null);
    }
    default:
      return finding(`${key}: ${issue.message}`);
  }
}

const wantedTexts: Readonly<Record<string, string>> = {
  string: 'text',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};
export const wanted = (expected: string): string => wantedTexts[expected] ?? expected;

function kindOf(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number') return Number.isInteger(value) ? 'a whole number' : `${value}`;
  return { string: 'text', boolean: 'true or false', object: 'a map' }[typeof value as string] ?? typeof value;
}

/** What a quoted number or word was meant to be. */
function converted(expected: string, value: unknown, path: Path): string | null {
  if (typeof value !== 'string' || isSecret(path)) return null;
  if (expected === 'number' || expected === 'int') {
    const number = Number(value);
    const isWanted = value.trim() !== '' && (expected === 'int' ? Number.isInteger(number) : Number.isFinite(number));
    return isWanted ? String(number) : null;
  }
  if (expected === 'boolean')
    return /^(true|yes|on|1)$/i.test(value) ? 'true' : /^(false|no|off|0)$/i.test(value) ? 'false' : null;
  return null;
}

/** Values are repeated only where no secret can be, and only as long as a line stays readable. */
const SHOWN_LENGTH_MAX = 60;
function shown(value: unknown, path: Path): string {
  if (isSecret(path)) return 'not';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' && value.length <= SHOWN_LENGTH_MAX ? `"${value}"` : kindOf(value);
}

const isSecret = (path: Path): boolean => secretKeys.has(String(path.at(-1)));

/** `min-ready`, or for an item the list's key and number: `zmq-publishers[2]`. */
function keyText(path: Path): string {
  const last = path.findLastIndex(part => typeof part === 'string');
  return pathText(path.slice(Math.max(last, 0)));
}

/** The description of the key at `path`, without what makes it optional. */
function typeAt(path: Path): z.ZodType | null {
  let type: z.ZodType = fileKeys;
  for (const part of path) {
    const inner = bare(type);
    if (inner instanceof z.ZodObject) {
      const next = (inner.shape as Record<string, z.ZodType>)[part];
      if (next === undefined) return null;
      type = next;
    } else {
      const element = elementOf(inner);
      if (element === null) return null;
      type = element;
    }
  }
  return bare(type);
}

/** A key at the top that is one of a section: its indentation was lost. */
function inItsSection(key: string, path: Path): string | null {
  if (path.length > 0) return null;
  const sections = Object.keys(fileKeys.shape).filter(name => knownKeys([name]).includes(key));
  return sections.length === 1 ? `${sections[0]}.${key}` : null;
}

function knownKeys(path: Path): string[] {
  const type = typeAt(path);
  return type instanceof z.ZodObject ? Object.keys(type.shape) : [];
}

/** zod passes over a key of this name; it is as unknown as any other. */
function prototypeKeys(value: unknown, path: Path): Finding[] {
  if (typeof value !== 'object' || value === null || path.length > 6) return [];
  return Object.entries(value).flatMap(([key, inner]): Finding[] => {
    const part = Array.isArray(value) ? Number(key) : key;
    if (key === '__proto__') {
      return [{ path: [...path, key], at: 'key', message: `unknown key ${key}`, suggestion: null }];
    }
    return prototypeKeys(inner, [...path, part]);
  });
}

function withUsualSpellings(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withUsualSpellings);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [otherSpellings.get(key) ?? key, withUsualSpellings(inner)]),
  );
}

type Container = Record<string | number, unknown>;
const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null;

function valueAt(raw: unknown, path: Path): unknown {
  let value = raw;
  for (const part of path) {
    if (!isContainer(value) || !Object.hasOwn(value, part)) return undefined;
    value = value[part];
  }
  return value;
}

const pathOf = (path: readonly PropertyKey[]): Path =>
  path.map(part => (typeof part === 'symbol' ? String(part) : part));
