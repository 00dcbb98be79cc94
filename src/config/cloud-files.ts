import { join } from 'node:path';
import { parseYaml, type ConfigDocument } from './document.js';
import type { Env } from './environment.js';
import { problemText } from './problem.js';

/**
 * clouds.yaml, which has the credentials of all clouds of a machine, and secure.yaml, which has the secret part of them
 * where the other is readable for many: found and put together as by OpenStack's own programs.
 */
export interface CloudFiles {
  /** Where they are looked for, in order: of each kind, the first that is there counts. */
  readonly places: readonly string[];
  /** Null: there is none in any place. */
  readonly clouds: CloudsFile | null;
}

export type CloudsFile = { readonly file: string } & (
  { readonly clouds: ReadonlyMap<string, CloudEntry> } | { readonly trouble: string }
);

/** One cloud as it is written, with every number and flag as text. */
export interface CloudEntry {
  readonly [key: string]: CloudValue;
}
export type CloudValue = string | readonly CloudValue[] | CloudEntry;

/** Null: there is no such file. */
export type ReadCloudFile = (file: string) => { readonly text: string } | { readonly trouble: string } | null;

export interface CloudPlaces {
  readonly env: Env;
  readonly home: string;
  readonly currentDir: string;
}

export function readCloudFiles(where: CloudPlaces, read: ReadCloudFile): CloudFiles {
  const clouds = candidates('clouds', where.env['OS_CLIENT_CONFIG_FILE'], where);
  const secure = candidates('secure', where.env['OS_CLIENT_SECURE_FILE'], where);
  const places = [...clouds, ...secure];
  const found = firstOf(clouds, read) ?? missing(where.env, 'OS_CLIENT_CONFIG_FILE');
  if (found === null) return { places, clouds: null };
  const secret = firstOf(secure, read) ?? missing(where.env, 'OS_CLIENT_SECURE_FILE');
  return { places, clouds: together(found, secret) };
}

/** A file that is named is meant: none of the usual places is taken instead of it. */
function candidates(name: string, given: string | undefined, { home, currentDir }: CloudPlaces): string[] {
  if (given !== undefined && given !== '') return [given];
  const folders = [currentDir, join(home, '.config', 'openstack'), '/etc/openstack'];
  return folders.flatMap(folder => ['yaml', 'yml', 'json'].map(ending => join(folder, `${name}.${ending}`)));
}

type ReadFile = { readonly file: string } & ({ readonly clouds: CloudEntry } | { readonly trouble: string });

function firstOf(files: readonly string[], read: ReadCloudFile): ReadFile | null {
  for (const file of files) {
    const found = read(file);
    if (found !== null) return { file, ...('trouble' in found ? found : cloudsOf(found.text, file)) };
  }
  return null;
}

function missing(env: Env, variable: string): ReadFile | null {
  const file = env[variable];
  return file === undefined || file === ''
    ? null
    : { file, trouble: `there is no such file, but ${variable} names it` };
}

function together(open: ReadFile, secret: ReadFile | null): CloudsFile {
  const { file } = open;
  if ('trouble' in open) return open;
  if (secret !== null && 'trouble' in secret) return { file, trouble: `${secret.file}: ${secret.trouble}` };
  const clouds = merged(open.clouds, secret?.clouds ?? {});
  const maps = Object.entries(clouds).filter((entry): entry is [string, CloudEntry] => isEntry(entry[1]));
  return { file, clouds: new Map(maps) };
}

/** The second goes before the first, key by key. */
function merged(first: CloudEntry, second: CloudEntry): CloudEntry {
  const both = Object.entries(second).map(([key, value]): [string, CloudValue] => {
    const other = first[key];
    return [key, isEntry(value) && other !== undefined && isEntry(other) ? merged(other, value) : value];
  });
  return { ...first, ...Object.fromEntries(both) };
}

/** JSON is YAML. */
function cloudsOf(text: string, file: string): { readonly clouds: CloudEntry } | { readonly trouble: string } {
  const document = parseYaml(text);
  if ('syntax' in document) {
    const [first] = document.syntax;
    if (first === undefined) throw new Error('a syntax error without its place');
    const { message, line, column } = first;
    return { trouble: problemText({ file, line, column, message, path: '', suggestion: null, severity: 'error' }) };
  }
  const clouds = asWritten(document, ['clouds'], keyOf(document.raw, 'clouds'));
  return clouds !== null && isEntry(clouds) ? { clouds } : { trouble: 'it has no map "clouds"' };
}

const keyOf = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : null;

/** A password of digits stays the text that it is. Null for what is empty. */
function asWritten(document: ConfigDocument, path: readonly (string | number)[], value: unknown): CloudValue | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return document.sourceOf(path) ?? String(value);
  if (Array.isArray(value)) {
    return value.map((item, index) => asWritten(document, [...path, index], item)).filter(item => item !== null);
  }
  const entries = Object.entries(value).flatMap(([key, each]): [string, CloudValue][] => {
    const written = asWritten(document, [...path, key], each);
    return written === null ? [] : [[key, written]];
  });
  return Object.fromEntries(entries);
}

export const isEntry = (value: CloudValue): value is CloudEntry => typeof value === 'object' && !Array.isArray(value);
