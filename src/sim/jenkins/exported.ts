/**
 * Jenkins' remote API: an object exports named fields, and the caller says with `tree=` or `depth=` which of them it
 * wants. Fields are functions, so that an answer for thousands of nodes costs only what was asked for.
 */
export class Bean {
  readonly className: string;
  readonly fields: Readonly<Record<string, () => Exported>>;

  constructor(className: string, fields: Readonly<Record<string, () => Exported>>) {
    this.className = className;
    this.fields = fields;
  }
}

/** Plain JSON besides beans: always written in full. */
export type Exported = string | number | boolean | null | undefined | Bean | readonly Exported[] | PlainMap;

interface PlainMap {
  readonly [key: string]: string | number | boolean | null | PlainMap;
}

export type Selection =
  /** Everything, this many beans deep; deeper ones are empty objects. */
  | { readonly kind: 'depth'; readonly levels: number }
  | { readonly kind: 'names'; readonly wanted: ReadonlyMap<string, Wanted> };

interface Wanted {
  readonly inner: Selection;
  readonly from: number;
  readonly to: number;
}

export class TreeSyntaxError extends Error {}

/** Writes what was selected. `withClass` adds `_class`, as newer masters do in every object. */
export function pick(bean: Bean, selection: Selection, options: { readonly withClass: boolean }): object {
  const picked: Record<string, unknown> = options.withClass ? { _class: bean.className } : {};
  for (const [name, read] of Object.entries(bean.fields)) {
    const wanted = wantedOf(selection, name);
    if (!wanted) continue;
    const value = write(read(), wanted, options);
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}

function wantedOf(selection: Selection, name: string): Wanted | undefined {
  if (selection.kind === 'names') return selection.wanted.get(name) ?? selection.wanted.get('*');
  return selection.levels < 0 ? undefined : { ...everything, inner: { kind: 'depth', levels: selection.levels - 1 } };
}

function write(value: Exported, wanted: Wanted, options: { readonly withClass: boolean }): unknown {
  if (value instanceof Bean) return pick(value, wanted.inner, options);
  if (!isList(value)) return value;
  // A range counts the entries of the list it stands behind.
  return value.slice(wanted.from, wanted.to).map(entry => write(entry, wanted, options));
}

function isList(value: Exported): value is readonly Exported[] {
  return Array.isArray(value);
}

const nothing: Selection = { kind: 'names', wanted: new Map() };
const everything = { inner: nothing, from: 0, to: Infinity };

/** Reads `a,b[c,d]{0,5},*`. Unknown names are no error: they select nothing. */
export function parseTree(text: string): Selection {
  const reader = new TreeReader(text);
  const selection = reader.list();
  reader.expectEnd();
  return selection;
}

class TreeReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  list(): Selection {
    const wanted = new Map<string, Wanted>();
    do wanted.set(this.#name(), this.#rest());
    while (this.#skip(','));
    return { kind: 'names', wanted };
  }

  expectEnd(): void {
    if (this.#at < this.#text.length) throw new TreeSyntaxError(`Illegal character at ${this.#at} in ${this.#text}`);
  }

  #name(): string {
    const name = /^(?:\*|[\w-]+)/.exec(this.#text.slice(this.#at))?.[0];
    if (name === undefined) throw new TreeSyntaxError(`Missing property name at ${this.#at} in ${this.#text}`);
    this.#at += name.length;
    return name;
  }

  #rest(): Wanted {
    let inner: Selection = nothing;
    if (this.#skip('[')) {
      inner = this.list();
      if (!this.#skip(']')) throw new TreeSyntaxError(`Missing ] at ${this.#at} in ${this.#text}`);
    }
    return { inner, ...this.#range() };
  }

  /** `{M,N}`, `{M,}`, `{,N}` or `{N}`: from M, without N. */
  #range(): { from: number; to: number } {
    if (!this.#skip('{')) return { from: 0, to: Infinity };
    const range = /^(\d*)(,?)(\d*)\}/.exec(this.#text.slice(this.#at));
    if (!range) throw new TreeSyntaxError(`Illegal range at ${this.#at} in ${this.#text}`);
    this.#at += range[0].length;
    const [, first = '', comma = '', second = ''] = range;
    if (comma === '') return { from: Number(first), to: Number(first) + 1 };
    return { from: Number(first || 0), to: second === '' ? Infinity : Number(second) };
  }

  #skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }
}
