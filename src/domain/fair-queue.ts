/**
 * A queue whose lanes are served in order, and within a lane its sources in turn: nothing that one source asks for can
 * keep another waiting for ever. Removing is by identity and costs what the lane holds.
 */
export class FairQueue<T> {
  readonly #lanes: readonly Map<string, T[]>[];
  #length = 0;

  constructor(lanes: number) {
    this.#lanes = Array.from({ length: lanes }, () => new Map<string, T[]>());
  }

  get length(): number {
    return this.#length;
  }

  push(item: T, place: { readonly lane: number; readonly source: string }): void {
    const lane = this.#lanes[place.lane];
    if (!lane) throw new RangeError(`there is no lane ${place.lane}`);
    const line = lane.get(place.source);
    if (line) line.push(item);
    else lane.set(place.source, [item]);
    this.#length++;
  }

  shift(): T | undefined {
    for (const lane of this.#lanes) {
      for (const [source, line] of lane) {
        const item = line.shift();
        // The source goes to the end of its lane: a map keeps the order of insertion.
        lane.delete(source);
        if (line.length > 0) lane.set(source, line);
        this.#length--;
        return item;
      }
    }
    return undefined;
  }

  *drain(): Generator<T> {
    for (let item = this.shift(); item !== undefined; item = this.shift()) yield item;
  }

  remove(matches: (item: T) => boolean): void {
    for (const lane of this.#lanes) {
      for (const [source, line] of lane) {
        const kept = line.filter(item => !matches(item));
        this.#length -= line.length - kept.length;
        if (kept.length > 0) lane.set(source, kept);
        else lane.delete(source);
      }
    }
  }
}
