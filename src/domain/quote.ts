/** Values in the lines that a POSIX shell reads. */

/** The value as one word, whatever is in it: quotes, `$`, back-ticks, line feeds. A shell knows no NUL. */
export function shellQuote(value: string): string {
  if (value.includes('\0')) throw new RangeError('a NUL cannot be passed to a shell');
  return `'${value.replaceAll("'", "'\\''")}'`;
}

/** `NAME='value' …`, with a space at its end, to be put before a command. */
export function environmentPrefix(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => {
      if (!/^[A-Za-z_]\w*$/.test(name)) throw new RangeError(`${JSON.stringify(name)} is no name of a variable`);
      return `${name}=${shellQuote(value)} `;
    })
    .join('');
}
