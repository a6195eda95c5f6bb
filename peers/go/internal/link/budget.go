package link

import (
	"errors"
	"sync/atomic"
)

// ErrNoRoom ends a connection that needs more memory than there is for it.
var ErrNoRoom = errors.New("the peer needs more memory than all peers of this service may use together")

// Budget bounds the memory that is held for all peers of a service together. A nil budget has no bound.
type Budget struct {
	most  int64
	held  atomic.Int64
	peers atomic.Int64
}

// NewBudget returns a budget of this many bytes.
func NewBudget(most int64) *Budget { return &Budget{most: most} }

// share returns a new peer's part of the budget.
func (b *Budget) share() *Share {
	if b == nil {
		return nil
	}
	b.peers.Add(1)
	return &Share{budget: b}
}

// Share is the memory that is held for one peer: messages that have not arrived completely, arguments of its calls, and
// answers that it has not taken.
type Share struct {
	budget *Budget
	held   atomic.Int64
}

// Take reports whether this many more bytes may be held. They may not if all peers together would hold more than the
// budget, and this one more than an equal part of it.
func (s *Share) Take(bytes int) bool {
	if s == nil {
		return true
	}
	own, all := s.held.Add(int64(bytes)), s.budget.held.Add(int64(bytes))
	if all > s.budget.most && own > s.budget.most/max(1, s.budget.peers.Load()) {
		s.Give(bytes)
		return false
	}
	return true
}

// Give gives back bytes that were taken.
func (s *Share) Give(bytes int) {
	if s != nil {
		s.held.Add(-int64(bytes))
		s.budget.held.Add(-int64(bytes))
	}
}

// leave ends the peer's part. What is still held for it is given back later.
func (s *Share) leave() {
	if s != nil {
		s.budget.peers.Add(-1)
	}
}
