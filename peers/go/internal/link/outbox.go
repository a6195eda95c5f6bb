package link

import (
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/multifrost/multifrost-go/internal/zmtp"
)

const (
	// CopiedBytes is the longest payload that is copied into a batch, so that one write takes many messages.
	CopiedBytes = 4 << 10
	// batchBytes is the size of a batch. Urgent messages go between two batches.
	batchBytes = 64 << 10
	// partBytes is how much of a large payload is written at once.
	partBytes = 1 << 20
	// maxQueued is how much may wait to be written before Send waits, in bytes.
	maxQueued = 64 << 20
)

// outbox queues what one link sends. The goroutine that queues something writes it, unless another one is writing: then that
// one takes it along. A system that takes no more leaves the rest to a goroutine that waits for it.
type outbox struct {
	conn  net.Conn
	raw   syscall.RawConn // nil if the connection has none
	share *Share

	tryOnce func(fd uintptr) bool
	trying  []byte // what tryOnce writes, and afterwards what is left

	queued  atomic.Int64 // bytes
	written atomic.Int64 // when the last write ended, in nanoseconds since 1970

	mu      sync.Mutex
	urgent  []byte // whole messages and commands
	entries []entry
	first   int    // in entries: what is before it has been written
	spare   []byte // a batch to use again
	writing bool
	crowded bool // the last write had several messages
	count   int  // messages since the last write
	closed  bool
	failed  bool
	drained chan struct{} // closed when the outbox is closed and nothing is left
	room    chan struct{} // closed when something was written; nil if nothing waits for that
}

// entry is a part of the queue that ends with a whole message: small messages, and the payload of a large one after them.
type entry struct {
	batch   []byte
	payload []byte
}

func (e entry) size() int { return len(e.batch) + len(e.payload) }

func newOutbox(conn net.Conn, share *Share) *outbox {
	o := &outbox{conn: conn, share: share, drained: make(chan struct{})}
	if socket, ok := conn.(syscall.Conn); ok {
		o.raw, _ = socket.SyscallConn()
	}
	o.tryOnce = func(fd uintptr) bool {
		written, err := syscall.Write(int(fd), o.trying)
		o.trying = o.trying[max(0, written):] // the goroutine that writes on finds out why nothing was written
		return err != syscall.EINTR
	}
	return o
}

// How soon a message is written.
const (
	now    = iota
	urgent // ahead of the others
	later  // with a message that is written now, or by flush
)

// put queues a message and reports whether it did: not after close. Without room for the message it ends the connection.
func (o *outbox) put(payload []byte, when int) bool {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return false
	}
	size := zmtp.HeadBytes(len(payload)) + len(payload)
	if !o.share.Take(size) {
		o.mu.Unlock()
		o.fail()
		o.conn.Close()
		return false
	}
	o.queued.Add(int64(size))
	o.count++
	switch {
	case when == urgent:
		o.urgent = append(zmtp.AppendHead(o.urgent, len(payload)), payload...)
	case len(payload) <= CopiedBytes:
		last := o.batch()
		last.batch = append(zmtp.AppendHead(last.batch, len(payload)), payload...)
	default:
		last := o.batch()
		last.batch, last.payload = zmtp.AppendHead(last.batch, len(payload)), payload
	}
	if when == later && o.queued.Load() < batchBytes {
		o.mu.Unlock()
		return true
	}
	o.start()
	return true
}

// flush writes what is queued.
func (o *outbox) flush() {
	o.mu.Lock()
	if o.first == len(o.entries) {
		o.mu.Unlock()
		return
	}
	o.start()
}

// command queues a command ahead of the messages.
func (o *outbox) command(data []byte) {
	o.mu.Lock()
	if o.closed || len(o.urgent) > batchBytes || !o.share.Take(len(data)) {
		o.mu.Unlock()
		return
	}
	o.urgent = append(o.urgent, data...)
	o.queued.Add(int64(len(data)))
	o.start()
}

// batch returns the entry to which small messages are added.
func (o *outbox) batch() *entry {
	if last := len(o.entries) - 1; last >= o.first && o.entries[last].payload == nil && len(o.entries[last].batch) < batchBytes {
		return &o.entries[last]
	}
	o.entries = append(o.entries, entry{batch: o.spare})
	o.spare = nil
	return &o.entries[len(o.entries)-1]
}

// start writes what is queued unless a goroutine is doing that. It must be called with mu held, and unlocks it.
func (o *outbox) start() {
	if o.writing {
		o.mu.Unlock()
		return
	}
	o.writing = true
	crowded := o.crowded
	o.mu.Unlock()
	if crowded {
		runtime.Gosched() // others that have something to send add it to the same write
	}
	for done := (entry{}); ; {
		next, ok := o.take(done)
		if !ok {
			return
		}
		left, err := o.try(next)
		if left.size() > 0 || err != nil {
			go o.writeOn(left, next, err)
			return
		}
		done = next
	}
}

// writeOn writes what is left of an entry, and those after it, and waits while the system takes no more.
func (o *outbox) writeOn(left, whole entry, err error) {
	for ok := true; ok; left = whole {
		for err == nil && left.size() > 0 {
			part := min(len(left.payload), partBytes)
			if o.isClosed() { // as long as the peer takes something, the rest may go out too
				o.conn.SetWriteDeadline(time.Now().Add(flushLimit))
			}
			buffers := net.Buffers{left.batch, left.payload[:part]}
			_, err = buffers.WriteTo(o.conn)
			left = entry{payload: left.payload[part:]}
		}
		if err != nil {
			o.fail()
			return
		}
		whole, ok = o.take(whole)
	}
}

// take counts what was written and returns what to write next. Without anything, this goroutine is no longer the one that
// writes.
func (o *outbox) take(done entry) (next entry, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed {
		return entry{}, false
	}
	if size := done.size(); size > 0 {
		o.written.Store(time.Now().UnixNano())
		o.queued.Add(-int64(size))
		o.share.Give(size)
		o.notify()
		if cap(done.batch) <= 2*batchBytes {
			o.spare = done.batch[:0]
		}
	}
	o.crowded, o.count = o.count > 1, 0
	switch {
	case len(o.urgent) > 0:
		next.batch, o.urgent = o.urgent, nil
	case o.first < len(o.entries):
		next = o.entries[o.first]
		o.entries[o.first] = entry{}
		if o.first++; o.first == len(o.entries) {
			o.entries, o.first = o.entries[:0], 0
		}
	default:
		o.writing = false
		if o.closed {
			close(o.drained)
		}
		return entry{}, false
	}
	return next, true
}

// try writes as much as the system takes now, and returns what is left.
func (o *outbox) try(next entry) (left entry, err error) {
	if o.raw == nil || next.payload != nil {
		return next, nil
	}
	o.trying = next.batch
	err = o.raw.Write(o.tryOnce)
	return entry{batch: o.trying}, err
}

// notify must be called with mu held.
func (o *outbox) notify() {
	if o.room != nil {
		close(o.room)
		o.room = nil
	}
}

// wait waits until at most this many bytes are queued, the outbox is closed, or done is closed. It reports whether messages
// may be queued.
func (o *outbox) wait(bytes int64, done <-chan struct{}) bool {
	for o.queued.Load() > bytes {
		o.mu.Lock()
		if o.closed {
			o.mu.Unlock()
			return false
		}
		if o.queued.Load() <= bytes {
			o.mu.Unlock()
			return true
		}
		if o.room == nil {
			o.room = make(chan struct{})
		}
		room := o.room
		o.mu.Unlock()
		select {
		case <-room:
		case <-done:
			return false
		}
	}
	return true
}

// close refuses more messages. What is queued is still written.
func (o *outbox) close() {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return
	}
	o.closed = true
	o.notify()
	o.start()
}

func (o *outbox) isClosed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.closed
}

// fail refuses more messages and drops those that are queued. The connection stays open: there may still be messages that
// the peer sent before it closed.
func (o *outbox) fail() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed {
		return
	}
	if !o.closed || o.writing {
		close(o.drained)
	}
	o.closed, o.failed = true, true
	o.urgent, o.entries, o.first = nil, nil, 0
	o.share.Give(int(o.queued.Swap(0)))
	o.notify()
}
