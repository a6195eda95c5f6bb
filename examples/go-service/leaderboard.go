package main

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
)

// Standing is a player's place, counted from 1.
type Standing struct {
	Player string `json:"player"`
	Score  int    `json:"score"`
	Place  int    `json:"place"`
}

// Leaderboard keeps the best score of each player. Calls run in separate goroutines, so a mutex guards the scores.
type Leaderboard struct {
	mutex  sync.Mutex
	scores map[string]int
}

// Submit records a score and returns the player's place. A score below the player's best changes nothing.
func (l *Leaderboard) Submit(player string, score int) (Standing, error) {
	if player == "" || score < 0 {
		return Standing{}, fmt.Errorf("a score needs a player and at least 0 points, not %q and %d", player, score)
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.scores == nil {
		l.scores = map[string]int{}
	}
	l.scores[player] = max(score, l.scores[player])
	standings := l.standings()
	return standings[slices.IndexFunc(standings, func(one Standing) bool { return one.Player == player })], nil
}

// Top returns the best players, at most count of them.
func (l *Leaderboard) Top(count int) []Standing {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	standings := l.standings()
	return standings[:min(max(count, 0), len(standings))]
}

// standings returns all players, the best first; equal scores are ordered by name.
func (l *Leaderboard) standings() []Standing {
	standings := make([]Standing, 0, len(l.scores))
	for player, score := range l.scores {
		standings = append(standings, Standing{Player: player, Score: score})
	}
	slices.SortFunc(standings, func(a, b Standing) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Player, b.Player))
	})
	for index := range standings {
		standings[index].Place = index + 1
	}
	return standings
}
