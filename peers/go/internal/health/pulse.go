package health

import (
	"sync"
	"time"
)

// Pulse counts the heartbeats that a worker leaves unanswered: it is stalled after MaxMisses in a row, and lost after as many as
// take StallTimeout.
type Pulse struct {
	Interval, StallTimeout time.Duration
	MaxMisses              int

	mu     sync.Mutex
	misses int
	health pulseState
}

type pulseState int

const (
	alive pulseState = iota
	stalled
	lost
)

// Beat is what one heartbeat changed.
type Beat struct {
	Misses    int  // in a row
	Stalled   bool // the worker is stalled from now on
	Lost      bool // the worker is lost from now on
	Recovered bool // the worker was stalled, and no longer is
	WasLost   bool // with Recovered: the worker was lost
	// Silent is how long the worker has given no sign of life, in whole intervals: time in which this process did not run does
	// not count.
	Silent time.Duration
}

// Missed records that the worker gave no sign of life after a heartbeat.
func (p *Pulse) Missed() Beat {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.misses++
	beat := Beat{Misses: p.misses, Silent: time.Duration(p.misses) * p.Interval}
	if p.health == alive && p.misses >= p.MaxMisses {
		p.health, beat.Stalled = stalled, true
	}
	if p.health == stalled && p.misses >= p.lostAfter() {
		p.health, beat.Lost = lost, true
	}
	return beat
}

// Alive records a sign of life.
func (p *Pulse) Alive() Beat {
	p.mu.Lock()
	defer p.mu.Unlock()
	beat := Beat{Recovered: p.health != alive, WasLost: p.health == lost}
	p.misses, p.health = 0, alive
	return beat
}

func (p *Pulse) lostAfter() int {
	intervals := int(p.StallTimeout / p.Interval)
	if p.StallTimeout%p.Interval != 0 {
		intervals++
	}
	return max(p.MaxMisses, intervals)
}
