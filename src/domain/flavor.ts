/** Which flavor an image's machines get (reference 14.5). */

/** As `ports/cloud` has it. */
export interface CandidateFlavor {
  readonly name: string;
  readonly ramMb: number;
}

export interface FlavorWish {
  readonly minRamMb: number;
  /** A part of the name. */
  readonly nameFilter: string | null;
  /** The whole name. */
  readonly flavorName: string | null;
}

/** The smallest that is big enough and fits the names; of equals the first. Null: there is none. */
export function pickFlavor<F extends CandidateFlavor>(flavors: readonly F[], wish: FlavorWish): F | null {
  let picked: F | null = null;
  for (const flavor of flavors) {
    if (fits(flavor, wish) && (picked === null || flavor.ramMb < picked.ramMb)) picked = flavor;
  }
  return picked;
}

function fits(flavor: CandidateFlavor, { minRamMb, nameFilter, flavorName }: FlavorWish): boolean {
  if (flavor.ramMb < minRamMb) return false;
  if (flavorName !== null && flavor.name !== flavorName) return false;
  return nameFilter === null || flavor.name.includes(nameFilter);
}
