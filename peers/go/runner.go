package multifrost

import (
	"context"
	"sync"
	"time"
)

// runner runs calls in the order in which they arrive, each in a separate goroutine, a bounded number at a time.
type runner struct {
	maxRunning int // 0: no bound
	maxPending int

	mu      sync.Mutex
	running int
	waiting []*incoming
	closed  bool
	idle    chan struct{} // set by drain, closed when nothing runs or waits
}

// incoming is a call that a worker has received.
type incoming struct {
	run    func()
	refuse func(*failure)
}

// take runs a call now or later, or refuses it.
func (r *runner) take(call *incoming) {
	refused := r.admit(call)
	if refused != nil {
		call.refuse(refused)
	}
}

func (r *runner) admit(call *incoming) *failure {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return stopping()
	case r.running+len(r.waiting) >= r.maxPending:
		return refusal(CodeOverloaded, "Too many calls are waiting here (maxPending %d); call again later", r.maxPending)
	case r.maxRunning > 0 && r.running >= r.maxRunning:
		r.waiting = append(r.waiting, call)
	default:
		r.running++
		go r.run(call)
	}
	return nil
}

// run runs a call, then calls that wait, in the order in which they arrived.
func (r *runner) run(call *incoming) {
	for call != nil {
		call.run()
		call = r.next()
	}
}

func (r *runner) next() *incoming {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) > 0 {
		next := r.waiting[0]
		r.waiting[0] = nil
		r.waiting = r.waiting[1:]
		return next
	}
	r.running--
	r.signalIdle()
	return nil
}

// signalIdle must be called with mu held.
func (r *runner) signalIdle() {
	if r.idle != nil && r.running == 0 && len(r.waiting) == 0 {
		close(r.idle)
		r.idle = nil
	}
}

// drain refuses new calls and waits until the last one is answered, for at most limit. Then it refuses the calls that have
// not begun, and cancels the others.
func (r *runner) drain(limit time.Duration, cancel context.CancelFunc) {
	idle := make(chan struct{})
	r.mu.Lock()
	r.closed = true
	r.idle = idle
	r.signalIdle()
	r.mu.Unlock()
	select {
	case <-idle:
		return
	case <-time.After(limit):
	}
	r.mu.Lock()
	left := r.waiting
	r.waiting = nil
	r.mu.Unlock()
	for _, call := range left {
		call.refuse(stopping())
	}
	cancel()
	// The answers of methods that return when their context is cancelled are still sent.
	select {
	case <-idle:
	case <-time.After(cancelGrace):
	}
}

func stopping() *failure {
	return &failure{Name: "NotRunningError", Message: "This worker is stopping and takes no more calls"}
}
