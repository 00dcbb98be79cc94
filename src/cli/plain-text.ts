/**
 * Text from elsewhere (a cloud's fault, a host name) on its way to a terminal: no control characters, so that it can
 * neither break a table nor command the terminal.
 */
export function plainText(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ');
}
