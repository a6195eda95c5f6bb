package health

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Backoff computes delays with full jitter: the n-th is uniform up to Base × 2ⁿ, at most Max.
type Backoff struct {
	Base, Max time.Duration
	attempts  int
}

// Next returns the delay before the next attempt. It may be 0.
func (b *Backoff) Next() time.Duration {
	bound := b.Max
	if b.attempts < 20 {
		bound = min(bound, b.Base<<b.attempts)
	}
	b.attempts++
	return rand.N(bound + 1)
}

// Reset starts again with the smallest bound.
func (b *Backoff) Reset() { b.attempts = 0 }

// Budget counts the restarts that a worker has left. A worker that stays healthy for Window gets all of them back.
type Budget struct {
	Max    int
	Window time.Duration

	mu           sync.Mutex
	taken        int
	healthySince time.Time
}

// Take takes one restart and reports whether one was left.
func (b *Budget) Take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.healthySince.IsZero() && time.Since(b.healthySince) >= b.Window {
		b.taken = 0
	}
	b.healthySince = time.Time{}
	if b.taken >= b.Max {
		return false
	}
	b.taken++
	return true
}

// Healthy records that the worker runs from now on.
func (b *Budget) Healthy() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.healthySince = time.Now()
}
