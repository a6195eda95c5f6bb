/** Longer names are not compared: they come from a peer. */
const MAX_LENGTH = 64;

/**
 * The name that was probably meant by a misspelt one: the fewest edits away, and at most a third of its length (at least
 * one edit, but never the whole name). Case and underscores do not count.
 */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  if (name.length > MAX_LENGTH) {
    return undefined;
  }
  let nearest: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of names) {
    const edits = editDistance(plain(name), plain(candidate));
    const most = Math.min(candidate.length - 1, Math.max(1, Math.floor(candidate.length / 3)));
    if (edits < least && edits <= most) {
      nearest = candidate;
      least = edits;
    }
  }
  return nearest;
}

/** `list_items`, `ListItems` and `listItems` are one name in three languages. */
function plain(name: string): string {
  return name.replaceAll("_", "").toLowerCase();
}

/** Levenshtein distance, one row at a time. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 0; i < from.length; i++) {
    const next: number[] = [];
    let diagonal = 0;
    let left = 0;
    for (const [j, above] of row.entries()) {
      const replaced = diagonal + (from[i] === to[j - 1] ? 0 : 1);
      left = j === 0 ? i + 1 : Math.min(replaced, above + 1, left + 1);
      diagonal = above;
      next.push(left);
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
