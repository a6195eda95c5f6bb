// Package health judges a worker from outside: circuit breaker, backoff, restart budget and measurements.
package health

import (
	"sync"
	"time"
)

// CircuitState says whether calls go out.
type CircuitState string

// The states of a circuit breaker.
const (
	Closed   CircuitState = "closed"
	Open     CircuitState = "open"
	HalfOpen CircuitState = "half-open"
)

// Breaker stops calls to a worker that keeps failing: closed → open after Threshold failures in a row; open → half-open
// after Reset; half-open → closed when the one trial succeeds, → open again, for twice as long, when it fails.
type Breaker struct {
	Threshold       int
	Reset, MaxReset time.Duration

	mu       sync.Mutex
	state    CircuitState
	failures int
	reset    time.Duration // of this stretch
	until    time.Time
	stretch  *Ticket // what was admitted since the last change
	trips    int
	resets   int
}

// Ticket is what an admitted call holds; outcomes of an earlier stretch do not count in a later one.
type Ticket struct{ trial bool }

// NewBreaker makes a closed one.
func NewBreaker(threshold int, reset, maxReset time.Duration) *Breaker {
	return &Breaker{Threshold: threshold, Reset: reset, MaxReset: maxReset, state: Closed, stretch: &Ticket{}}
}

// Admit asks whether a call may go out; when not, retryAt is the time of the next trial.
func (b *Breaker) Admit() (ticket *Ticket, retryAt time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch b.now() {
	case Closed:
		return b.stretch, time.Time{}
	case HalfOpen:
		b.state = HalfOpen
		if b.stretch == nil {
			b.stretch = &Ticket{trial: true}
			return b.stretch, time.Time{}
		}
	}
	return nil, b.until
}

// now takes the step from open to half-open that time alone brings.
func (b *Breaker) now() CircuitState {
	if b.state == Open && !time.Now().Before(b.until) {
		return HalfOpen
	}
	return b.state
}

// Success of a call closes a half-open breaker.
func (b *Breaker) Success(t *Ticket) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t == nil || t != b.stretch {
		return
	}
	if t.trial {
		b.close()
	} else {
		b.failures = 0
	}
}

// Failure of a call counts; that of a trial opens again.
func (b *Breaker) Failure(t *Ticket) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t == nil || t != b.stretch {
		return
	}
	b.failures++
	if t.trial {
		b.open(b.reset * 2)
	} else if b.failures >= b.Threshold {
		b.open(b.Reset)
	}
}

// Lost is the end of a worker or connection as a call saw it. It counts for a trial only: otherwise it is counted once,
// where it is noticed, and not for every call.
func (b *Breaker) Lost(t *Ticket) {
	if t != nil && t.trial {
		b.Failure(t)
	}
}

// Ignored frees the place of a trial that said nothing about the worker.
func (b *Breaker) Ignored(t *Ticket) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t != nil && t == b.stretch && t.trial {
		b.stretch = nil
	}
}

// Trip opens it whatever the count.
func (b *Breaker) Trip() {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch b.now() {
	case Closed:
		b.open(b.Reset)
	case HalfOpen:
		b.open(b.reset * 2)
	}
}

// Close closes it, whatever it was.
func (b *Breaker) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.close()
}

// State is the state at this moment.
func (b *Breaker) State() CircuitState {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now()
}

// Counts are how often it opened and closed again.
func (b *Breaker) Counts() (trips, resets int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.trips, b.resets
}

func (b *Breaker) open(reset time.Duration) {
	b.reset = min(reset, b.MaxReset)
	b.state, b.until, b.stretch = Open, time.Now().Add(b.reset), nil
	b.trips++
}

func (b *Breaker) close() {
	if b.state != Closed {
		b.resets++
	}
	b.state, b.failures, b.stretch = Closed, 0, &Ticket{}
}
