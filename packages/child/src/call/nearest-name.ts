// For a misspelt method: the name that was probably meant.

/** Longer names are not compared: they come from a peer. */
const MAX_LENGTH = 64;

/**
 * The name the fewest edits away, if they are at most a third of its length (one at least, but never all of it); case
 * and underscores count for nothing.
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

/** `list_items`, `ListItems` and `listItems` are the same word in three languages. */
function plain(name: string): string {
  return name.replaceAll("_", "").toLowerCase();
}

/** Levenshtein distance, one row at a time. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[to.length] as number;
}
