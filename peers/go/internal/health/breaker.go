// Package health has the circuit breakers, the judgement of heartbeats, the backoff, the restart budget and the latencies of a
// parent.
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
	reset    time.Duration // until the next trial
	until    time.Time
	current  *Ticket // the ticket of calls admitted since the last change of state
	trips    int
	resets   int
}

// Ticket belongs to an admitted call. The outcome of a call that was admitted before a change of state does not count.
type Ticket struct{ trial bool }

// IsTrial reports whether the outcome of the call decides if the circuit closes. Other calls are refused until then.
func (t *Ticket) IsTrial() bool { return t != nil && t.trial }

// NewBreaker returns a closed breaker.
func NewBreaker(threshold int, reset, maxReset time.Duration) *Breaker {
	return &Breaker{Threshold: threshold, Reset: reset, MaxReset: maxReset, state: Closed, current: &Ticket{}}
}

// Admit returns a ticket if a call may go out. Otherwise ticket is nil, and retryAt is the time of the next trial.
func (b *Breaker) Admit() (ticket *Ticket, retryAt time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch b.now() {
	case Closed:
		return b.current, time.Time{}
	case HalfOpen:
		b.state = HalfOpen
		if b.current == nil {
			b.current = &Ticket{trial: true}
			return b.current, time.Time{}
		}
	}
	return nil, b.until
}

// now returns the state, with the change from open to half-open after the reset time.
func (b *Breaker) now() CircuitState {
	if b.state == Open && !time.Now().Before(b.until) {
		return HalfOpen
	}
	return b.state
}

// Success records that a call succeeded. It closes a half-open breaker.
func (b *Breaker) Success(t *Ticket) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t == nil || t != b.current {
		return
	}
	if t.trial {
		b.close()
	} else {
		b.failures = 0
	}
}

// Failure records that a call failed. A failed trial opens the breaker again.
func (b *Breaker) Failure(t *Ticket) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t == nil || t != b.current {
		return
	}
	b.failures++
	if t.trial {
		b.open(b.reset * 2)
	} else if b.failures >= b.Threshold {
		b.open(b.Reset)
	}
}

// Lost records that a call was lost with its worker or connection. It counts for a trial only. Otherwise the parent counts
// the loss once, not for each call.
func (b *Breaker) Lost(t *Ticket) {
	if t != nil && t.trial {
		b.Failure(t)
	}
}

// Ignored records an outcome that does not count, so that another call can be the trial.
func (b *Breaker) Ignored(t *Ticket) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t != nil && t == b.current && t.trial {
		b.current = nil
	}
}

// Trip opens the breaker, whatever the count of failures.
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

// Close closes the breaker, whatever its state.
func (b *Breaker) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.close()
}

// State returns the state at this moment.
func (b *Breaker) State() CircuitState {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now()
}

// isFresh reports whether no failure is remembered.
func (b *Breaker) isFresh() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state == Closed && b.failures == 0
}

// Counts returns how often the breaker opened and closed again.
func (b *Breaker) Counts() (trips, resets int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.trips, b.resets
}

func (b *Breaker) open(reset time.Duration) {
	b.reset = min(reset, b.MaxReset)
	b.state, b.until, b.current = Open, time.Now().Add(b.reset), nil
	b.trips++
}

func (b *Breaker) close() {
	if b.state != Closed {
		b.resets++
	}
	b.state, b.failures, b.current = Closed, 0, &Ticket{}
}
