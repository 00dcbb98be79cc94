/**
 * A cloud or a master that has lost most of what is ours at once has lost sight of it, was set up anew, or is another one
 * than is meant: nodes are not thrown away for it before somebody could have seen that.
 */
export const massLossMs = 600_000;
const massLossMin = 3;

export function isMassLoss(lost: number, all: number): boolean {
  return lost >= massLossMin && lost * 2 > all;
}
