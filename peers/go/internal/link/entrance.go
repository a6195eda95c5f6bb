package link

import (
	"net"
	"slices"
	"sync"
	"time"
)

const (
	// maxGreeting is how many connections to an entrance may be shaking hands. More are accepted when one of these is done, or
	// has had minGreeting for it.
	maxGreeting = 256
	// minGreeting is the time that a connection has for its handshake even if many others wait.
	minGreeting = 50 * time.Millisecond
	// maxAsked is how many connections to an entrance may be asked for a proof. Of more, the first that has not answered is
	// closed, or else the new one.
	maxAsked = 64
)

// candidate is a connection that may be the worker's.
type candidate struct {
	conn     net.Conn
	since    time.Time
	answered bool
}

// entrance is a listener of a private endpoint, and the connections to it that are not decided about.
type entrance struct {
	listener net.Listener
	freed    chan struct{} // receives when a handshake is over

	mu       sync.Mutex
	closed   bool
	greeting []*candidate // the oldest first
	asked    []*candidate // the first asked first
}

func newEntrance(listener net.Listener) *entrance {
	return &entrance{listener: listener, freed: make(chan struct{}, 1)}
}

// enter adds a connection, as soon as there is room. Without room it closes the oldest one that has had its time. It returns nil
// if the entrance is closed.
func (e *entrance) enter(conn net.Conn) *candidate {
	e.mu.Lock()
	defer e.mu.Unlock()
	for !e.closed && len(e.greeting) >= maxGreeting {
		oldest := e.greeting[0]
		left := minGreeting - time.Since(oldest.since)
		if left <= 0 {
			e.greeting = e.greeting[1:]
			oldest.conn.Close()
			break
		}
		e.mu.Unlock()
		select {
		case <-e.freed:
		case <-time.After(left):
		}
		e.mu.Lock()
	}
	if e.closed {
		conn.Close()
		return nil
	}
	c := &candidate{conn: conn, since: time.Now()}
	e.greeting = append(e.greeting, c)
	return c
}

// ask notes that a connection is asked for a proof, and reports whether there is room for that.
func (e *entrance) ask(c *candidate) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	if len(e.asked) >= maxAsked {
		i := slices.IndexFunc(e.asked, func(one *candidate) bool { return !one.answered })
		if i < 0 {
			return false
		}
		e.asked[i].conn.Close()
		e.asked = slices.Delete(e.asked, i, i+1)
	}
	e.asked = append(e.asked, c)
	return true
}

// answered notes that a connection has answered.
func (e *entrance) answered(c *candidate) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c.answered = true
}

// greeted notes that the handshake of a connection is over.
func (e *entrance) greeted(c *candidate) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.greeting = without(e.greeting, c)
	select {
	case e.freed <- struct{}{}:
	default:
	}
}

// leave forgets a connection that was asked. It is refused, or is the worker's.
func (e *entrance) leave(c *candidate) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked = without(e.asked, c)
}

// close stops listening, and closes the connections that are not accepted.
func (e *entrance) close() {
	e.listener.Close()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for _, c := range slices.Concat(e.greeting, e.asked) {
		c.conn.Close()
	}
}

func without(all []*candidate, c *candidate) []*candidate {
	return slices.DeleteFunc(all, func(one *candidate) bool { return one == c })
}
