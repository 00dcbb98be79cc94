/** Worlds in which something went wrong once. Each is run again with the others. */
export const keptSeeds: readonly { readonly seed: number; readonly steps: number; readonly found: string }[] = [
  { seed: 4, steps: 200, found: 'a node that waited for its turn to delete kept the only connection' },
  { seed: 45, steps: 100, found: 'a node that was asked for a connection it had lost took back its wish for another' },
  { seed: 177, steps: 200, found: 'a create that had waited for its turn was sent a second time after a restart' },
  { seed: 7113, steps: 250, found: 'a registration that arrived after a crash left a slave behind' },
  {
    seed: 117,
    steps: 100,
    found: 'a node that failed after a write whose answer was lost went on from the row before it',
  },
  { seed: 124, steps: 100, found: 'a node that failed and was held kept a connection that it did not know of' },
  { seed: 870707108, steps: 200, found: 'a release that waited for a connection came after the hold that followed it' },
  { seed: 870707023, steps: 200, found: 'a server that had refused a connection was said to refuse for ever' },
  { seed: 88, steps: 200, found: 'machines of a group whose rows were written, with the answer lost, were made twice' },
  { seed: 8, steps: 200, found: 'a machine of a group took its own change, whose answer was lost, for one by others' },
  { seed: 490, steps: 200, found: 'an image that was built while its provider was full went over max-servers' },
  { seed: 504, steps: 200, found: 'a build whose row was written late belonged to nobody' },
  { seed: 871450006, steps: 400, found: 'a change that was written late was never heard of by its node' },
  { seed: 30788, steps: 150, found: 'machines of a group stood still after a new life of the actor that holds them' },
  {
    seed: 70182,
    steps: 400,
    found:
      'a node that was to be replaced took a job with it that had begun while no daemon ran, and no list was read since',
  },
  {
    seed: 81563,
    steps: 200,
    found: 'a connection that was being opened at a restart came beside those of the next life',
  },
  {
    seed: 82128,
    steps: 100,
    found: 'a node whose target had gone took a job with it that had begun before its registration was recorded',
  },
  { seed: 50014, steps: 200, found: 'rows that were written late, after they were asked for again, came beside those' },
];
