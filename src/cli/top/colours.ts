/** Of the states, as the live page has them, as far as a terminal can. */
export const stateColours: Readonly<Record<string, string>> = {
  building: 'yellow',
  test: 'magenta',
  ready: 'green',
  used: 'cyan',
  hold: 'magentaBright',
  delete: 'gray',
};
