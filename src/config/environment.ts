import convict from 'convict';
import { z } from 'zod';
import { wanted } from './check-keys.js';
import { bare, entriesOf, fileKeys, notesOf } from './keys.js';
import type { FileKeys } from './keys.js';
import type { Finding } from './check-keys.js';

export type Env = Readonly<Record<string, string | undefined>>;

/**
 * The scalars of the file and of its sections (lists are not for convict: it fills no defaults into items), with the
 * environment before them and the defaults behind them.
 */
export function withEnvironment(keys: FileKeys | null, env: Env): { keys: FileKeys | null; findings: Finding[] } {
  const findings: Finding[] = [];
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const config = convict<Values>(schemaOf(fileKeys, [], present, findings), {
    env: present,
    args: [],
  });
  if (keys !== null) config.load(scalarsOf(keys));
  try {
    config.validate({ allowed: 'strict' });
  } catch (error) {
    // The formats below have reported already, with paths and without secrets; anything else is our own mistake.
    if (findings.length === 0) throw error;
  }
  if (keys === null || findings.length > 0) return { keys, findings };
  return { keys: fileKeys.parse(merged(keys, fromText(config.getProperties(), fileKeys))), findings };
}

type Values = Record<string, unknown>;

function schemaOf(object: z.ZodObject, path: readonly string[], env: Env, findings: Finding[]): convict.Schema<Values> {
  const schema: Record<string, unknown> = {};
  for (const [key, type] of scalarKeys(object)) {
    const here = [...path, key];
    if (bare(type) instanceof z.ZodObject) {
      schema[key] = schemaOf(bare(type) as z.ZodObject, here, env, findings);
      continue;
    }
    const notes = notesOf(type);
    const variable = notes?.env;
    schema[key] = {
      doc: notes?.description ?? '',
      default: type.parse(undefined),
      ...(variable === undefined ? {} : { env: variable }),
      format: (value: unknown) => {
        const result = type.safeParse(typedLike(type, value));
        if (result.success || variable === undefined || env[variable] === undefined) return;
        const message = `${variable} in the environment ${complaintOf(result.error.issues[0])}`;
        findings.push({ path: here, at: 'key', message, suggestion: null });
        throw new Error(message);
      },
    };
  }
  return schema as convict.Schema<Values>;
}

function complaintOf(issue: z.core.$ZodIssue | undefined): string {
  switch (issue?.code) {
    case 'invalid_type':
      return `must be ${wanted(issue.expected)}`;
    case 'too_small':
      return `must be at least ${Number(issue.minimum)}`;
    case 'too_big':
      return `must be at most ${Number(issue.maximum)}`;
    default:
      return `cannot be used: ${issue?.message ?? 'it is no value of this key'}`;
  }
}

/** Keys with one value, and sections of such keys that are always there. */
function scalarKeys(object: z.ZodObject): [string, z.ZodType][] {
  return entriesOf(object).filter(
    ([, type]) =>
      !(bare(type) instanceof z.ZodArray) && (!(bare(type) instanceof z.ZodObject) || type instanceof z.ZodPrefault),
  );
}

function scalarsOf(keys: FileKeys): Values {
  const names = new Set(scalarKeys(fileKeys).map(([name]) => name));
  return Object.fromEntries(Object.entries(keys).filter(([name]) => names.has(name)));
}

/** The environment has only text; a number there is written as one. */
function typedLike(type: z.ZodType, value: unknown): unknown {
  const isNumber = bare(type) instanceof z.ZodNumber && typeof value === 'string' && value.trim() !== '';
  return isNumber && Number.isFinite(Number(value)) ? Number(value) : value;
}

function fromText(values: Values, object: z.ZodObject): Values {
  return Object.fromEntries(
    scalarKeys(object).map(([key, type]) => {
      const section = bare(type);
      const value = values[key];
      return [key, section instanceof z.ZodObject ? fromText(value as Values, section) : typedLike(type, value)];
    }),
  );
}

/** zod transforms nothing here, so that what it returned may be given to it again. */
const merged = (keys: FileKeys, scalars: Values): Values => ({ ...keys, ...scalars });
