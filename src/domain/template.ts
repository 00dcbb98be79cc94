/**
 * Templates of host names: Python's `str.format` with attribute access, as the original has it (reference 2.8). An
 * attribute may be written as the original names it (`{provider.region_name}`) or as we do (`{provider.regionName}`).
 */
import type { NodeName } from './ids.js';
import { nodeName } from './ids.js';

export type TemplateScope = Readonly<Record<string, unknown>>;

/** The template is wrong. The configuration is checked when it is loaded, so that a launch never meets this. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

/** Throws a `TemplateError` for a template that cannot be read or names what the scope does not have. */
export function renderTemplate(template: string, scope: TemplateScope): string {
  return parse(template)
    .map(part => (part.kind === 'text' ? part.text : format(lookUp(part.field, scope), part)))
    .join('');
}

/** The fields in order of appearance, each once: `label.name`, `node_id`. Throws a `TemplateError`. */
export function templateFields(template: string): readonly string[] {
  return [...new Set(parse(template).flatMap(part => (part.kind === 'field' ? [part.field] : [])))];
}

/** What is wrong with the template for such a scope, or null. */
export function templateProblem(template: string, scope: TemplateScope): string | null {
  try {
    renderTemplate(template, scope);
    return null;
  } catch (error) {
    if (error instanceof TemplateError) return error.message;
    throw error;
  }
}

interface HostnameTemplates {
  readonly hostname: string | null;
  readonly subnodeHostname: string | null;
}

/** Without a domain, as in 0.3: what is too long is cut off by each system in its own way (lesson 149). */
export const usualHostnames = {
  hostname: '{label.name}-{provider.name}-{node_id}',
  subnodeHostname: '{label.name}-{provider.name}-{node_id}-{subnode_id}',
} as const;

/** The target's goes first, as the original reads no other; its manual showed them at labels. */
export function hostnameTemplate(
  of: keyof HostnameTemplates,
  { target, label }: { readonly target: HostnameTemplates; readonly label: HostnameTemplates },
): string {
  return target[of] ?? label[of] ?? usualHostnames[of];
}

/** The name of a node in Jenkins: its host name up to the first dot. */
export function nodeNameOf(hostname: string): NodeName {
  const dot = hostname.indexOf('.');
  return nodeName(dot === -1 ? hostname : hostname.slice(0, dot));
}

type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'field'; readonly field: string; readonly spec: string };

function parse(template: string): readonly Part[] {
  const parts: Part[] = [];
  let rest = template;
  while (rest !== '') {
    const text = /^(?:[^{}]|\{\{|\}\})+/.exec(rest);
    if (text !== null) {
      parts.push({ kind: 'text', text: text[0].replaceAll('{{', '{').replaceAll('}}', '}') });
      rest = rest.slice(text[0].length);
      continue;
    }
    const field = /^\{([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?::([^{}]*))?\}/.exec(rest);
    if (field === null) throw new TemplateError(`${JSON.stringify(template)}: ${complaintAbout(rest)}`);
    parts.push({ kind: 'field', field: field[1] ?? '', spec: field[2] ?? '' });
    rest = rest.slice(field[0].length);
  }
  return parts;
}

function complaintAbout(rest: string): string {
  if (rest.startsWith('}')) return 'a single "}"; write "}}" for the character';
  const end = rest.indexOf('}');
  if (end === -1) return 'a "{" without its "}"; write "{{" for the character';
  return `${rest.slice(0, end + 1)} is no field; write {name} or {name.attribute}`;
}

function lookUp(field: string, scope: TemplateScope): string | number | boolean | null {
  let value: unknown = scope;
  let path = '';
  for (const name of field.split('.')) {
    const found: unknown = attributeOf(value, name);
    if (found === undefined) {
      throw new TemplateError(
        path === ''
          ? `unknown field {${field}}; there are ${Object.keys(scope).sort().join(', ')}`
          : `unknown field {${field}}; ${path} has no ${name}`,
      );
    }
    value = found;
    path = path === '' ? name : `${path}.${name}`;
  }
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return value;
  }
  throw new TemplateError(`{${field}} is not a text; name one of its attributes`);
}

/** Ours is the same word in camel case, or with its unit, or among the credentials; a secret is never part of a name. */
function attributeOf(owner: unknown, name: string): unknown {
  if (typeof owner !== 'object' || owner === null || secrets.has(name)) return undefined;
  const camel = name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const ours = [name, camel, `${camel}Mb`].find(key => Object.hasOwn(owner, key));
  if (ours !== undefined) return Reflect.get(owner, ours);
  const milliseconds: unknown = Reflect.get(owner, `${camel}Ms`);
  if (typeof milliseconds === 'number') return milliseconds / 1000;
  const credentials: unknown = Reflect.get(owner, 'credentials');
  // The key of 2014 is a name, or an id.
  const byName = name === 'project_id' ? attributeOf(credentials, 'project_name') : null;
  return byName ?? attributeOf(credentials, name);
}

const secrets: ReadonlySet<string> = new Set([
  ...['password', 'apikey', 'credentials', 'application_credential', 'applicationCredential'],
]);

/** Of Python's format specifications only a width, zero-padded or not: `{node_id:06d}`. */
function format(value: string | number | boolean | null, part: Part & { readonly kind: 'field' }): string {
  const [whole, zero, width] = /^(0?)([0-9]{0,2})[ds]?$/.exec(part.spec) ?? [];
  if (whole === undefined) throw new TemplateError(`{${part.field}:${part.spec}}: unknown format ${part.spec}`);
  const text = value === null ? 'None' : value === true ? 'True' : value === false ? 'False' : String(value);
  if (typeof value === 'number') return text.padStart(Number(width), zero === '' ? ' ' : '0');
  return text.padEnd(Number(width), ' ');
}
