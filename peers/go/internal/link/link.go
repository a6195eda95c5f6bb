// Package link has the connections between a parent (DEALER) and its workers (ROUTER).
package link

import (
	"errors"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/multifrost/multifrost-go/internal/zmtp"
)

const (
	// handshakeLimit is how long the handshake with a peer may take.
	handshakeLimit = 10 * time.Second
	// flushLimit is how long a peer may take nothing of what is queued, and then may take to close, when a link is closed.
	flushLimit = time.Second
	// unreadGrace is the time between the last message and the end of a connection. When a connection ends, a libzmq peer
	// with ZMQ_IMMEDIATE drops received messages that its program has not read yet: without this, 3 of 15 last answers
	// were lost.
	unreadGrace = 100 * time.Millisecond
	// strangerBytes is the longest message of a peer that is not accepted yet.
	strangerBytes = 64 << 10
)

// tokenProperty is the name of the property in which a worker shows its token.
const tokenProperty = "X-Token"

// ErrClosed is the error of sending on a link that is closed or whose peer is gone.
var ErrClosed = errors.New("the connection is closed")

// Events are called by the goroutine that reads a link, one at a time: Up first, Down last.
type Events struct {
	// Up may refuse the link by returning false. The link then ends without any other event.
	Up func(*Link) bool
	// Receive is called with the payload of a message, which is valid until Receive returns.
	Receive func(l *Link, payload []byte)
	// Dropped is called for messages without an envelope, or above the limit.
	Dropped func(*Link)
	Down    func(l *Link, err error)
	// Refused is called for each connection that is closed because it is not a peer, with the reason.
	Refused func(reason string)
}

// Config configures a link.
type Config struct {
	Socket     zmtp.SocketType
	MaxMessage int // in bytes
	// SkipTooLarge skips a message above MaxMessage. Otherwise it ends the connection.
	SkipTooLarge bool
	Token        string // shown to the peer, if it is not empty
	Events       Events
}

// Link is one connection. Its methods may be called from any goroutine.
type Link struct {
	conn   net.Conn
	reader *zmtp.Reader
	peer   *zmtp.Ready
	share  *Share
	out    *outbox
	gone   chan struct{} // closed when nothing more will be read or written
	events Events
	onEnd  func()
	run    *inlineRun // of the goroutine that reads
	heard  atomic.Int64

	// Calls is how many calls of the peer are not answered. A worker counts them.
	Calls atomic.Int64
}

// shake shakes hands over conn. An error closes it.
func shake(conn net.Conn, config Config, share *Share) (*Link, error) {
	out := newOutbox(conn, share)
	l := &Link{
		conn:  conn,
		share: share,
		out:   out,
		gone:  make(chan struct{}),
	}
	l.reader = zmtp.NewReader(flushing{l}, zmtp.Limits{MessageBytes: strangerBytes})
	var properties []zmtp.Property
	if config.Token != "" {
		properties = append(properties, zmtp.Property{Name: tokenProperty, Value: config.Token})
	}
	conn.SetDeadline(time.Now().Add(handshakeLimit))
	_, err := conn.Write(zmtp.Hello(config.Socket, properties...))
	if err == nil {
		l.peer, err = l.reader.Handshake(config.Socket)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	conn.SetDeadline(time.Time{})
	return l, nil
}

// flushing writes what is queued before it waits for something to read.
type flushing struct{ link *Link }

func (f flushing) Read(p []byte) (int, error) {
	f.link.out.flush()
	n, err := f.link.conn.Read(p)
	f.link.heard.Add(int64(n))
	return n, err
}

// Heard returns how many bytes of the peer have been read. It is for comparison with a later number: a peer that sends is alive.
func (l *Link) Heard() int64 { return l.heard.Load() }

// HasUnread reports whether something has arrived and is not read yet.
func (l *Link) HasUnread() bool {
	if l.out.raw == nil {
		return false
	}
	count := 0
	_ = l.out.raw.Control(func(fd uintptr) {
		count, _, _ = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	return count > 0
}

// Send queues a message. If much is queued it waits for room, until done is closed. The error is ErrClosed. The payload must
// not be changed afterwards.
func (l *Link) Send(payload []byte, done <-chan struct{}) error {
	if l.out.wait(maxQueued, done) && l.out.put(payload, now) {
		return nil
	}
	return ErrClosed
}

// Push queues a message, however much is queued. The error is ErrClosed. A payload of up to CopiedBytes is copied; a longer one
// must not be changed afterwards.
func (l *Link) Push(payload []byte) error {
	if l.out.put(payload, now) {
		return nil
	}
	return ErrClosed
}

// PushLater queues a message as Push does, and leaves it to the goroutine that reads the link to write it: before that waits for the
// next message, and when it no longer reads. It is for functions that Inline runs.
func (l *Link) PushLater(payload []byte) error {
	if l.out.put(payload, later) {
		return nil
	}
	return ErrClosed
}

// TrySend queues a message if there is room, and reports whether there was.
func (l *Link) TrySend(payload []byte) bool {
	return l.out.queued.Load() <= maxQueued && l.out.put(payload, now)
}

// SendUrgent queues a short message ahead of the others, and reports whether it did.
func (l *Link) SendUrgent(payload []byte) bool {
	return l.out.queued.Load() <= maxQueued+strangerBytes && l.out.put(payload, urgent)
}

// Share returns what is held for the peer, nil where that has no bound.
func (l *Link) Share() *Share { return l.share }

// Close writes the queued messages, until the peer takes nothing for 1 s, and closes the connection. It may be called again.
func (l *Link) Close() {
	l.out.close()
	l.conn.SetWriteDeadline(time.Now().Add(flushLimit))
	<-l.out.drained
	// Closing with unread bytes would reset the connection, and the peer would lose what it has not read yet.
	if half, ok := l.conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		l.conn.SetReadDeadline(time.Now().Add(flushLimit))
		<-l.gone
	}
	l.conn.Close()
	<-l.gone
}

// CloseGently closes the link after the peer has had time to read the last message. Until then it still answers, for up to 1 s: a
// peer that got no answer could not know whether its call ran.
func (l *Link) CloseGently() {
	for until := time.Now().Add(flushLimit); time.Now().Before(until) && l.untilRead() > 0; {
		select {
		case <-l.gone:
			until = time.Now()
		case <-time.After(min(l.untilRead(), time.Until(until))):
		}
	}
	l.out.close()
	l.conn.SetWriteDeadline(time.Now().Add(flushLimit))
	<-l.out.drained
	select {
	case <-l.gone:
	case <-time.After(l.untilRead()):
	}
	l.Close()
}

// untilRead returns how long the peer may still take to read the last message.
func (l *Link) untilRead() time.Duration {
	return time.Until(time.Unix(0, l.out.written.Load()).Add(unreadGrace))
}

// Gone returns a channel that is closed when the connection has ended.
func (l *Link) Gone() <-chan struct{} { return l.gone }

// serve reads until the connection ends, in this goroutine or in another one, then calls onEnd.
func (l *Link) serve(config Config, onEnd func()) {
	l.reader.Limits = zmtp.Limits{MessageBytes: config.MaxMessage, SkipTooLarge: config.SkipTooLarge, Hold: l.hold}
	l.events, l.onEnd, l.run = config.Events, onEnd, &inlineRun{link: l}
	if l.events.Up(l) {
		l.readOn()
		return
	}
	l.end()
	onEnd()
}

// readOn reads until the connection ends, or a method keeps this goroutine and another one reads on.
func (l *Link) readOn() {
	run := l.run
	l.out.flush()
	for !run.over {
		if err := l.readOne(); err != nil {
			l.end()
			l.events.Down(l, err)
			l.onEnd()
			return
		}
	}
}

// end ends a link that is read by this goroutine. Unread messages are lost.
func (l *Link) end() {
	l.reader.Close()
	l.out.fail()
	l.conn.Close()
	close(l.gone)
}

func (l *Link) hold(bytes int) error {
	if bytes < 0 {
		l.share.Give(-bytes)
		return nil
	}
	if !l.share.Take(bytes) {
		return ErrNoRoom
	}
	return nil
}

func (l *Link) readOne() error {
	// A peer that does not take its answers gets no new ones.
	l.out.wait(maxQueued, nil)
	arrival, err := l.reader.Next()
	if err != nil {
		return err
	}
	switch arrival.Kind {
	case zmtp.Message:
		l.events.Receive(l, arrival.Payload)
	case zmtp.Ping:
		l.out.command(zmtp.AppendPong(nil, arrival.Payload))
	default:
		l.events.Dropped(l)
	}
	return nil
}
