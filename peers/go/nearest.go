package multifrost

import (
	"strings"
	"unicode/utf8"
)

// maxCompared is the longest name that is compared, in bytes. Longer ones are not typing errors.
const maxCompared = 64

// nearestName finds the name that was probably meant: the one with the fewest edits, at most a third of its length. Case
// and underscores do not count: list_items, ListItems and listItems are the same word in three languages.
func nearestName(name string, names []string) (nearest string, found bool) {
	if len(name) > maxCompared {
		return "", false
	}
	least := maxCompared
	for _, candidate := range names {
		length := utf8.RuneCountInString(candidate)
		most := min(length-1, max(1, length/3))
		if edits := editDistance(plain(name), plain(candidate)); edits < least && edits <= most {
			nearest, least, found = candidate, edits, true
		}
	}
	return nearest, found
}

func plain(name string) []rune { return []rune(strings.ToLower(strings.ReplaceAll(name, "_", ""))) }

// editDistance computes the Levenshtein distance, one row at a time.
func editDistance(from, to []rune) int {
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i, a := range from {
		diagonal := row[0]
		row[0] = i + 1
		for j, b := range to {
			replaced := diagonal
			if a != b {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(to)]
}
