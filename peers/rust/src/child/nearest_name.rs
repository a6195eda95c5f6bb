//! Finds the name that a misspelt function probably means.

/// Longer names are not compared, as they come from a peer.
const MAX_LENGTH: usize = 64;

/// Finds the name with the fewest edits: at most a third of its length, or one, but never all of it. Case and underscores
/// do not count.
pub(super) fn nearest_name<'a>(name: &str, names: &'a [String]) -> Option<&'a str> {
    if name.len() > MAX_LENGTH {
        return None;
    }
    let wanted = plain(name);
    let edits_to = |candidate: &'a String| {
        let length = candidate.chars().count();
        let most = (length / 3).max(1).min(length.saturating_sub(1));
        let edits = edit_distance(&wanted, &plain(candidate));
        (edits <= most).then_some((edits, candidate.as_str()))
    };
    names.iter().filter_map(edits_to).min_by_key(|(edits, _)| *edits).map(|(_, candidate)| candidate)
}

/// `list_items`, `ListItems` and `listItems` are the same word in three languages.
fn plain(name: &str) -> Vec<char> {
    name.chars().filter(|letter| *letter != '_').flat_map(char::to_lowercase).collect()
}

/// Levenshtein distance, one row at a time.
fn edit_distance(from: &[char], to: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, letter) in from.iter().enumerate() {
        let mut before = i;
        row[0] = i + 1;
        for (j, other) in to.iter().enumerate() {
            let replaced = before + usize::from(letter != other);
            before = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(before + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_ignores_case_and_underscores() {
        let names = ["add", "factorial", "list_items"].map(str::to_owned);
        assert_eq!(nearest_name("ad", &names), Some("add"));
        assert_eq!(nearest_name("factroial", &names), Some("factorial"));
        assert_eq!(nearest_name("ListItems", &names), Some("list_items"));
        assert_eq!(nearest_name("multiply", &names), None);
        assert_eq!(nearest_name(&"a".repeat(100), &names), None);
    }
}
