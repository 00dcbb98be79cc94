/** Reading what a cloud sent: each function returns a value of the type that its name says, or throws `cloud.bad-answer`. */
import { inspect } from 'node:util';
import { Fault } from '../../domain/fault.js';

export type Json = Readonly<Record<string, unknown>>;

export function jsonObject(value: unknown, where: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw badAnswer(where, 'an object', value);
}

/** Absent and null are empty: clouds of 2014 leave out what they do not have. */
export function jsonObjectOrEmpty(value: unknown, where: string): Json {
  return value === undefined || value === null ? {} : jsonObject(value, where);
}

export function jsonList(value: unknown, where: string): readonly unknown[] {
  if (Array.isArray(value)) return value as readonly unknown[];
  throw badAnswer(where, 'a list', value);
}

export function jsonListOrEmpty(value: unknown, where: string): readonly unknown[] {
  return value === undefined || value === null ? [] : jsonList(value, where);
}

export function text(value: unknown, where: string): string {
  if (typeof value === 'string') return value;
  throw badAnswer(where, 'a string', value);
}

export function textOrNull(value: unknown, where: string): string | null {
  return value === undefined || value === null ? null : text(value, where);
}

export function wholeNumber(value: unknown, where: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw badAnswer(where, 'a whole number', value);
}

/** Ids come as strings or numbers, and leave as strings (lesson 29). */
export function idText(value: unknown, where: string): string {
  if (typeof value === 'string' && value !== '') return value;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  throw badAnswer(where, 'an id', value);
}

/** Metadata values are strings; some clouds send numbers and booleans, which become their text, and objects, left out. */
export function textRecord(value: unknown, where: string): Readonly<Record<string, string>> {
  const entries: [string, string][] = [];
  for (const [key, entry] of Object.entries(jsonObjectOrEmpty(value, where))) {
    if (typeof entry === 'string') entries.push([key, entry]);
    else if (typeof entry === 'number' || typeof entry === 'boolean') entries.push([key, String(entry)]);
  }
  return Object.fromEntries(entries);
}

/** Not as JSON: what is nested deeply enough would take the whole stack. */
const shown = { depth: 3, breakLength: Infinity, maxArrayLength: 10, maxStringLength: 80 } as const;

function badAnswer(where: string, wanted: string, value: unknown): Fault {
  const got = value === undefined ? 'nothing' : inspect(value, shown).slice(0, 80);
  return new Fault('cloud.bad-answer', `${where}: expected ${wanted}, got ${got}`);
}
