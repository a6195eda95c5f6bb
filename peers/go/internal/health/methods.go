package health

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// maxMethods is how many methods that fail at the same time are remembered. Beyond, the one that failed first is forgotten.
const maxMethods = 1000

// Methods has a breaker for each method whose latest calls failed. What a method returns as its error says nothing about the
// worker's others.
type Methods struct {
	New func() *Breaker

	failing atomic.Int64 // the number of breakers, so that a worker without failures costs nothing

	mu            sync.Mutex
	breakers      map[string]*Breaker
	order         []string // of breakers
	trips, resets int      // of breakers that are gone
}

// Admit reports whether a call of the method may go out. The ticket is nil if its latest call did not fail. Otherwise retryAt is
// the time of the next trial.
func (m *Methods) Admit(method string) (ticket *Ticket, retryAt time.Time, ok bool) {
	if b := m.find(method); b != nil {
		ticket, retryAt = b.Admit()
		return ticket, retryAt, ticket != nil
	}
	return nil, time.Time{}, true
}

// Success records that a call succeeded.
func (m *Methods) Success(method string, ticket *Ticket) {
	b := m.find(method)
	if b == nil {
		return
	}
	b.Success(ticketOf(b, ticket))
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.breakers[method] == b && b.isFresh() {
		m.remove(method)
	}
}

// Failure records that the method failed.
func (m *Methods) Failure(method string, ticket *Ticket) {
	b := m.findOrAdd(method)
	b.Failure(ticketOf(b, ticket))
}

// Ignored records an outcome that says nothing about the method.
func (m *Methods) Ignored(method string, ticket *Ticket) {
	if ticket == nil {
		return
	}
	if b := m.find(method); b != nil {
		b.Ignored(ticket)
	}
}

// Close closes every breaker and forgets all failures.
func (m *Methods) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.order) > 0 {
		m.breakers[m.order[0]].Close()
		m.remove(m.order[0])
	}
}

// Len returns the number of methods whose latest calls failed.
func (m *Methods) Len() int { return int(m.failing.Load()) }

// Counts returns how often breakers opened and closed again.
func (m *Methods) Counts() (trips, resets int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	trips, resets = m.trips, m.resets
	for _, b := range m.breakers {
		opened, closed := b.Counts()
		trips, resets = trips+opened, resets+closed
	}
	return trips, resets
}

func (m *Methods) find(method string) *Breaker {
	if m.failing.Load() == 0 {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.breakers[method]
}

func (m *Methods) findOrAdd(method string) *Breaker {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b := m.breakers[method]; b != nil {
		return b
	}
	if len(m.order) >= maxMethods {
		m.remove(m.order[0])
	}
	if m.breakers == nil {
		m.breakers = map[string]*Breaker{}
	}
	b := m.New()
	m.breakers[method] = b
	m.order = append(m.order, method)
	m.failing.Add(1)
	return b
}

// remove must be called with mu held.
func (m *Methods) remove(method string) {
	trips, resets := m.breakers[method].Counts()
	m.trips, m.resets = m.trips+trips, m.resets+resets
	delete(m.breakers, method)
	at := slices.Index(m.order, method)
	m.order = slices.Delete(m.order, at, at+1)
	m.failing.Add(-1)
}

// ticketOf returns the ticket of a call. One that was made before the method began to fail has none: it counts like the others
// while the breaker is closed, and no longer once it has opened.
func ticketOf(b *Breaker, ticket *Ticket) *Ticket {
	if ticket == nil && b.State() == Closed {
		ticket, _ = b.Admit()
	}
	return ticket
}
