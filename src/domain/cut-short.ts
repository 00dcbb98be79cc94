/** A configuration file as it is written. */
export interface FileText {
  readonly text: string;
  /** Keys at its top. */
  readonly sections: readonly string[];
}

/**
 * Whether the end of a file was lost, or has not been written yet. Such a file may well be YAML, and would take clouds
 * and masters away. It shows in a last line without an end, or where the file is the beginning of the one before and
 * misses whole sections of it; somebody who removes the last of a list leaves the section there.
 */
export function isCutShort(now: FileText, before: FileText | null): boolean {
  if (before === null) return false;
  if (!hasEnd(now.text) && hasEnd(before.text)) return true;
  const isBeginning = now.text.length < before.text.length && before.text.startsWith(now.text);
  return isBeginning && before.sections.some(section => !now.sections.includes(section));
}

const hasEnd = (text: string): boolean => /[\r\n]$/.test(text);
