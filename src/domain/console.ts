/** What is kept of a machine's console: the end, which says why it did not come up, as text that a database takes. */

/** Lines asked of the cloud. */
export const consoleLines = 100;
/** MySQL's TEXT has 65535 bytes, a character up to four. */
const charactersMax = 10_000;

/** Escape sequences of terminals, then whatever else does not print; boot loaders and NULs are full of them. */
const unprintable = /\u001b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])|[\u0000-\u0008\u000b-\u001f\u007f\ufffd]/g;

/** Null: it wrote nothing. */
export function consoleTail(text: string): string | null {
  const clean = text.replace(/\r\n?/g, '\n').replace(unprintable, '').trimEnd();
  const lines = clean.split('\n').slice(-consoleLines).join('\n');
  if (lines.trim() === '') return null;
  if (lines.length <= charactersMax) return lines;
  const tail = lines.slice(-charactersMax);
  // Not from the middle of a line, where there is another, nor of a character.
  const firstEnd = tail.indexOf('\n');
  return firstEnd === -1 ? tail.replace(/^[\udc00-\udfff]/, '') : tail.slice(firstEnd + 1);
}
