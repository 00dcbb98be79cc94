/**
 * Our mark on what we make in a cloud: `np-INSTALLATION-CHANCE`. It says which installation made it, so that several may
 * share a project, and which row it belongs to, because it is on that row before the thing is made (lesson 1).
 */
import { installation, tag, type Installation, type Tag } from './ids.js';

/** The key of our mark in the metadata of a server or an image. */
export const tagKey = 'nodepool_tag';
/** The key of the name that an image of ours was given with its mark. */
export const nameKey = 'nodepool_name';

/** A snapshot that somebody else takes of a machine of ours inherits the mark of its image, and has another name. */
export function imageMarkOf({ name, metadata }: MarkedImage): string | null {
  return metadata[nameKey] === name ? (metadata[tagKey] ?? null) : null;
}

interface MarkedImage {
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Unique among everything that ever was: 104 bits of chance. */
export function newTag(installation: Installation, random: () => number): Tag {
  const part = (): string => Math.floor(random() * 2 ** 52).toString(36);
  return tag(`np-${installation}-${part()}${part()}`);
}

/** A mark of the same installation as this one. */
export function newTagLike(other: Tag, random: () => number): Tag {
  const [, mark = ''] = other.split('-');
  return newTag(installation(mark), random);
}

/** Whether this installation made it. Of anything else nobody here knows the owner. */
export function isTagOf(installation: Installation, mark: string): boolean {
  return mark.startsWith(`np-${installation}-`);
}

/** A tag of this installation in a text that people read too, such as the description of a slave. */
export function tagIn(installation: Installation, text: string): Tag | null {
  const found = /\bnp-[0-9a-z]+-[0-9a-z]+\b/.exec(text)?.[0];
  return found !== undefined && isTagOf(installation, found) ? tag(found) : null;
}
