/**
 * The little of Python that stands in the `args` of a logging file: a tuple of texts, numbers and their products,
 * `None`, `True`, `False`, tuples, and names with dots.
 *
 *     ('/var/log/nodepool/debug.log', 'a', 10*1024*1024, 5)      (sys.stdout,)      (('localhost', 514),)
 */
export type PythonValue = string | number | boolean | null | PythonName | readonly PythonValue[];

export interface PythonName {
  readonly name: string;
}

/** Throws a `SyntaxError` for anything else. */
export function readPythonTuple(text: string): readonly PythonValue[] {
  const value = readPythonValue(text);
  // `(x)` is no tuple in Python, which would make it a mistake there; what is meant is clear.
  return Array.isArray(value) ? (value as readonly PythonValue[]) : [value];
}

export function readPythonValue(text: string): PythonValue {
  const reader = new Reader(text);
  const value = reader.value();
  reader.end();
  return value;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(): PythonValue {
    let left = this.#single();
    while (this.#takes('*')) {
      const right = this.#single();
      if (typeof left !== 'number' || typeof right !== 'number') throw this.#error('only numbers can be multiplied');
      left *= right;
    }
    return left;
  }

  end(): void {
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#error('there is more than one value');
  }

  #single(): PythonValue {
    this.#skipSpace();
    const rest = this.#text.slice(this.#at);
    if (rest.startsWith('(') || rest.startsWith('[')) return this.#sequence(rest.startsWith('(') ? ')' : ']');
    const [quoted] = /^[ru]?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")/.exec(rest) ?? [];
    if (quoted !== undefined) {
      this.#at += quoted.length;
      return unquoted(quoted);
    }
    const [number] = /^-?\d+(?:\.\d+)?/.exec(rest) ?? [];
    if (number !== undefined) {
      this.#at += number.length;
      return Number(number);
    }
    const [name] = /^[A-Za-z_][\w.]*/.exec(rest) ?? [];
    if (name === undefined) throw this.#error('not a value');
    this.#at += name.length;
    const constants: Readonly<Record<string, boolean | null>> = { None: null, True: true, False: false };
    return Object.hasOwn(constants, name) ? (constants[name] ?? null) : { name };
  }

  #sequence(end: string): PythonValue {
    this.#at++;
    const items: PythonValue[] = [];
    let hasComma = false;
    while (!this.#takes(end)) {
      if (items.length > 0 && !hasComma) throw this.#error(`neither a comma nor ${end}`);
      items.push(this.value());
      hasComma = this.#takes(',');
    }
    const [only] = items;
    return end === ')' && items.length === 1 && !hasComma && only !== undefined ? only : items;
  }

  #takes(sign: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== sign) return false;
    this.#at++;
    return true;
  }

  #skipSpace(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++;
  }

  #error(what: string): SyntaxError {
    return new SyntaxError(`${what} at character ${this.#at + 1} of ${this.#text.slice(0, 200)}`);
  }
}

function unquoted(quoted: string): string {
  const body = quoted.replace(/^[ru]?['"]/, '').slice(0, -1);
  if (quoted.startsWith('r')) return body;
  const meant: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };
  return body.replace(/\\(.)/g, (_, letter: string) => meant[letter] ?? letter);
}
