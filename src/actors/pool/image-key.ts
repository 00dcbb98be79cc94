/** An image of a provider, as the pool knows it. */
export function imageKey(provider: string, image: string): string {
  return `${provider}/${image}`;
}
