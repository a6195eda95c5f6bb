package multifrost

import (
	"context"
	"sync"
	"time"
)

// maxResting is how many goroutines wait for the next call. They have the stack that a call needs; a new goroutine has to grow
// its stack, which took a fifth of the time of a small call.
const maxResting = 64

// runner runs calls in the order in which they arrive, a bounded number at a time, in other goroutines or in that of take.
type runner struct {
	maxRunning int // 0: no bound
	maxPending int
	// share returns how many calls of one parent may run and wait when there are maxPending of all parents.
	share func() int

	mu      sync.Mutex
	running int
	waiting []incoming
	resting []chan incoming // of the goroutines that wait for a call
	closed  bool
	idle    chan struct{} // set by drain, closed when nothing runs or waits
}

// incoming is a call that a worker has received. One of run, refuse and runInline is called, once.
type incoming interface {
	// pending returns how many calls of the same parent run and wait, with this one.
	pending() int
	run()
	refuse(*failure)
	// runInline runs the call in this goroutine, which is that of take.
	runInline()
}

// take runs a call now or later, or refuses it.
func (r *runner) take(call incoming, inline bool) {
	refused, now := r.admit(call, inline)
	switch {
	case refused != nil:
		call.refuse(refused)
	case now:
		defer r.ran()
		call.runInline()
	}
}

// ran ends a call that ran in the goroutine of take. A call that waited for it gets another one.
func (r *runner) ran() {
	if call, _ := r.next(nil); call != nil {
		go r.run(call)
	}
}

// admit reports whether the caller must run the call now.
func (r *runner) admit(call incoming, inline bool) (refused *failure, now bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return stopping(), false
	case r.running+len(r.waiting) >= r.maxPending && call.pending() > r.share():
		return refusal(CodeOverloaded, "Too many calls are waiting here (maxPending %d); call again later", r.maxPending), false
	case r.maxRunning > 0 && r.running >= r.maxRunning:
		r.waiting = append(r.waiting, call)
	case inline:
		r.running++
		return nil, true
	default:
		r.running++
		if last := len(r.resting) - 1; last >= 0 {
			r.resting[last] <- call
			r.resting = r.resting[:last]
		} else {
			go r.run(call)
		}
	}
	return nil, false
}

// run runs a call, then calls that wait, in the order in which they arrived, then those that it is given.
func (r *runner) run(call incoming) {
	given := make(chan incoming, 1)
	defer func() {
		if call != nil { // a method has ended the goroutine
			r.ran()
		}
	}()
	for call != nil {
		call.run()
		var rests bool
		if call, rests = r.next(given); rests {
			call = <-given
		}
	}
}

// next ends a call. It returns a call that waits, or whether the goroutine rests until it is given one. A goroutine that cannot
// rest gives nil.
func (r *runner) next(given chan incoming) (call incoming, rests bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) > 0 {
		next := r.waiting[0]
		r.waiting[0] = nil
		r.waiting = r.waiting[1:]
		return next, false
	}
	r.running--
	r.signalIdle()
	if given == nil || r.closed || len(r.resting) == maxResting {
		return nil, false
	}
	r.resting = append(r.resting, given)
	return nil, true
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
	for _, given := range r.resting {
		close(given)
	}
	r.resting = nil
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
	return refusal(CodeStopping, "This worker is stopping and takes no more calls")
}
