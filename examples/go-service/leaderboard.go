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

// Leaderboard keeps the best score of each player. Every call runs in a goroutine of its own, hence the lock.
type Leaderboard struct {
	mutex  sync.Mutex
	scores map[string]int
}

// Submit takes a score, and gives the place that the player has with it. A lower one than before changes nothing.
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

// Top gives the best players, at most so many.
func (l *Leaderboard) Top(count int) []Standing {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	standings := l.standings()
	return standings[:min(max(count, 0), len(standings))]
}

// standings are all of them, the best first; where scores are equal, by name.
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
