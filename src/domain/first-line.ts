/** Of what programs and clouds say, as much as fits into a line of a list or a log. */
export function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
