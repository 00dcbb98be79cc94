import { nearest } from './formats.js';
import type { Problem } from './problem.js';

/**
 * secure.conf of 0.3 (reference 2.9): an INI file with the secrets, so that nodepool.yaml can be published.
 *
 *     [database]
 *     dburi = mysql://…
 *     [jenkins "TARGET"]
 *     url = …
 */
export interface SecureFile {
  readonly dburi: SecureValue | null;
  readonly jenkins: ReadonlyMap<string, SecureJenkins>;
}

export interface SecureValue {
  readonly value: string;
  readonly line: number;
}

export interface SecureJenkins {
  /** Of the section's head. */
  readonly line: number;
  readonly url: SecureValue | null;
  readonly user: SecureValue | null;
  readonly apikey: SecureValue | null;
  readonly credentials: SecureValue | null;
}

export const noSecureFile: SecureFile = { dburi: null, jenkins: new Map() };

const keysOf = { database: ['dburi'], jenkins: ['url', 'user', 'apikey', 'credentials'] } as const;

interface Section {
  readonly kind: 'database' | 'jenkins' | 'unknown';
  readonly title: string;
  readonly name: string;
  readonly line: number;
  readonly values: Map<string, SecureValue>;
}

export function readSecure(text: string, file: string): { secure: SecureFile; problems: Problem[] } {
  const problems: Problem[] = [];
  const complain = (line: number, path: string, message: string, suggestion: string | null = null) =>
    problems.push({ file, line, column: 1, path, message, suggestion, severity: 'error' });

  const sections: Section[] = [];
  for (const [index, whole] of text.split(/\r\n|\r|\n/).entries()) {
    const line = index + 1;
    const content = whole.trim();
    if (content === '' || /^[#;]/.test(content)) continue;
    const title = /^\[(.*)\]$/.exec(content)?.[1];
    if (title === undefined) {
      readValue(sections.at(-1), content, line, complain);
      continue;
    }
    const section = sectionOf(title, line);
    if (section.kind === 'unknown') {
      const meant = nearest(title, ['database', 'jenkins']);
      complain(
        line,
        `[${title}]`,
        `unknown section [${title}]`,
        meant === 'jenkins' ? '[jenkins "TARGET"]' : bracketed(meant),
      );
    } else if (sections.some(other => other.kind === section.kind && other.name === section.name)) {
      complain(line, `[${title}]`, `the section [${title}] a second time`);
    }
    sections.push(section);
  }
  const jenkins = sections.filter(section => section.kind === 'jenkins');
  for (const { title, line, values } of jenkins) {
    for (const key of ['url', 'user', 'apikey']) {
      if (!values.has(key)) complain(line, `[${title}].${key}`, `missing key ${key} in [${title}]`);
    }
  }
  const dburi = sections.find(section => section.kind === 'database')?.values.get('dburi') ?? null;
  const masters = jenkins.map(({ name, line, values }): [string, SecureJenkins] => {
    const value = (key: string) => values.get(key) ?? null;
    return [
      name,
      { line, url: value('url'), user: value('user'), apikey: value('apikey'), credentials: value('credentials') },
    ];
  });
  return { secure: { dburi, jenkins: new Map(masters) }, problems };
}

type Complain = (line: number, path: string, message: string, suggestion?: string | null) => void;

function readValue(section: Section | undefined, content: string, line: number, complain: Complain): void {
  const [, key, value] = /^([^=:\s]+)\s*[=:]\s*(.*)$/.exec(content) ?? [];
  if (key === undefined || value === undefined) {
    // The line itself may be a secret.
    complain(line, '', 'neither a [section] nor KEY = VALUE');
    return;
  }
  if (section === undefined) {
    complain(line, key, `${key} stands before the first [section]`);
    return;
  }
  if (section.kind === 'unknown') return;
  const path = `[${section.title}].${key}`;
  const known: readonly string[] = keysOf[section.kind];
  if (!known.includes(key.toLowerCase())) {
    complain(line, path, `unknown key ${key} in [${section.title}]`, nearest(key, known));
  } else if (section.values.has(key.toLowerCase())) {
    complain(line, path, `the key ${key} a second time`);
  } else if (value === '') {
    complain(line, path, `${key} must not be empty`);
  } else {
    section.values.set(key.toLowerCase(), { value, line });
  }
}

function sectionOf(title: string, line: number): Section {
  const master = /^jenkins\s+"([^"]+)"$/.exec(title.trim())?.[1];
  const kind = master !== undefined ? 'jenkins' : title.trim() === 'database' ? 'database' : 'unknown';
  return { kind, title, name: master ?? '', line, values: new Map() };
}

const bracketed = (title: string | null): string | null => (title === null ? null : `[${title}]`);
