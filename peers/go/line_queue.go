package multifrost

import (
	"sync"
	"time"
)

// maxQueuedOutput is how much of a worker's output may wait for its handler, in bytes.
const maxQueuedOutput = 16 << 20

// lineQueue passes lines to the user's handlers, one at a time and in order, in a separate goroutine. So a handler may be
// slow and may make calls without delaying the messages that follow its line.
type lineQueue struct {
	handle func(stream, line string)

	mu      sync.Mutex
	waiting []outputLine
	bytes   int
	idle    chan struct{} // closed and set to nil when nothing waits
	room    *sync.Cond    // signalled when a line has been taken
}

type outputLine struct{ stream, text string }

func newLineQueue(handle func(stream, line string)) *lineQueue {
	q := &lineQueue{handle: handle}
	q.room = sync.NewCond(&q.mu)
	return q
}

// offer queues a line if there is room, and reports whether there was.
func (q *lineQueue) offer(stream, text string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.bytes > maxQueuedOutput {
		return false
	}
	q.add(stream, text)
	return true
}

// put queues a line, waiting for room.
func (q *lineQueue) put(stream, text string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.bytes > maxQueuedOutput {
		q.room.Wait()
	}
	q.add(stream, text)
}

// add must be called with mu held.
func (q *lineQueue) add(stream, text string) {
	q.waiting = append(q.waiting, outputLine{stream, text})
	q.bytes += len(text)
	if q.idle == nil {
		q.idle = make(chan struct{})
		go q.run()
	}
}

func (q *lineQueue) run() {
	for {
		next, ok := q.take()
		if !ok {
			return
		}
		q.handle(next.stream, next.text)
	}
}

func (q *lineQueue) take() (next outputLine, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		close(q.idle)
		q.idle = nil
		return next, false
	}
	next = q.waiting[0]
	q.waiting = q.waiting[1:]
	q.bytes -= len(next.text)
	q.room.Broadcast()
	return next, true
}

// flush waits until all lines have been handled, for at most limit: a handler may itself wait for the caller.
func (q *lineQueue) flush(limit time.Duration) {
	q.mu.Lock()
	idle := q.idle
	q.mu.Unlock()
	if idle == nil {
		return
	}
	select {
	case <-idle:
	case <-time.After(limit):
	}
}
