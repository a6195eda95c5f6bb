// Package link has the connections between a parent (DEALER) and its workers (ROUTER), over zmq4. Each link is one
// connection, with a goroutine that reads and one that writes.
package link

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"
)

// Kinds of sockets.
const (
	Dealer = zmq4.Dealer
	Router = zmq4.Router
)

const (
	// handshakeLimit is how long the handshake with a peer may take.
	handshakeLimit = 5 * time.Second
	// flushLimit is how long the queued messages may take to go out, and the peer to close, when a link is closed.
	flushLimit = time.Second
	// unreadGrace is the time between the last message and the end of a connection. When a connection ends, a libzmq peer
	// with ZMQ_IMMEDIATE drops received messages that its program has not read yet: without this, 3 of 15 last answers
	// were lost.
	unreadGrace = 100 * time.Millisecond
	// queueLength is how many messages may wait to be written on one link.
	queueLength = 1024
)

// ErrClosed is the error of sending on a link that is closed or whose peer is gone.
var ErrClosed = errors.New("the connection is closed")

// Events are called by the goroutine that reads a link, one at a time: Up first, Down last.
type Events struct {
	// Up may refuse the link by returning false. The link then ends without any other event.
	Up      func(*Link) bool
	Receive func(l *Link, payload []byte)
	// Dropped is called for messages without an envelope.
	Dropped func(*Link)
	Down    func(l *Link, err error)
}

// Config configures a link.
type Config struct {
	Socket     zmq4.SocketType
	MaxMessage int // in bytes; a peer that announces a longer message is disconnected
	Events     Events
}

// Link is one connection. Its methods may be called from any goroutine.
type Link struct {
	conn  *zmq4.Conn
	guard *guard
	queue chan outgoing

	lastWrite atomic.Int64 // in nanoseconds since 1970

	closeOnce sync.Once
	closing   chan struct{} // closed when no more may be sent
	gone      chan struct{} // closed when nothing more will be read
	written   chan struct{} // closed when nothing more will be written
}

type outgoing struct {
	payload []byte
	command string
}

// open shakes hands over conn and starts the two goroutines.
func open(conn net.Conn, server bool, config Config) (*Link, error) {
	l := &Link{
		queue:   make(chan outgoing, queueLength),
		closing: make(chan struct{}),
		gone:    make(chan struct{}),
		written: make(chan struct{}),
	}
	l.guard = newGuard(conn, config.MaxMessage, l.command)
	if err := l.shake(server, config.Socket); err != nil {
		conn.Close()
		return nil, err
	}
	go l.read(config.Events)
	go l.write()
	return l, nil
}

// shake recovers: zmq4 panics on metadata that is cut off.
func (l *Link) shake(server bool, socket zmq4.SocketType) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the handshake cannot be read: %v", cause)
		}
	}()
	l.guard.SetDeadline(time.Now().Add(handshakeLimit))
	l.conn, err = zmq4.Open(l.guard, null.Security(), socket, nil, server, nil)
	l.guard.SetDeadline(time.Time{})
	l.guard.shaken = true
	return err
}

// Send queues a message. If the queue is full it waits for room, until done is closed. The error is ErrClosed.
func (l *Link) Send(payload []byte, done <-chan struct{}) error {
	select {
	case <-l.closing:
		return ErrClosed
	default:
	}
	select {
	case l.queue <- outgoing{payload: payload}:
		return nil
	case <-l.closing:
	case <-done:
	}
	return ErrClosed
}

// TrySend queues a message if there is room, and reports whether there was.
func (l *Link) TrySend(payload []byte) bool {
	select {
	case <-l.closing:
		return false
	default:
	}
	select {
	case l.queue <- outgoing{payload: payload}:
		return true
	default:
		return false
	}
}

// Close writes the queued messages, for up to 1 s, and closes the connection. It may be called again.
func (l *Link) Close() {
	l.stopSending()
	l.guard.SetWriteDeadline(time.Now().Add(flushLimit))
	<-l.written
	// Closing with unread bytes would reset the connection, and the peer would lose what it has not read yet.
	if half, ok := l.guard.Conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		l.guard.SetReadDeadline(time.Now().Add(flushLimit))
		<-l.gone
	}
	l.guard.Conn.Close()
	<-l.gone
}

// closeGently closes the link after the peer has had time to read the last message.
func (l *Link) closeGently() {
	l.stopSending()
	l.guard.SetWriteDeadline(time.Now().Add(flushLimit))
	<-l.written
	select {
	case <-l.gone:
	case <-time.After(time.Until(time.Unix(0, l.lastWrite.Load()).Add(unreadGrace))):
	}
	l.Close()
}

// Gone returns a channel that is closed when the connection has ended.
func (l *Link) Gone() <-chan struct{} { return l.gone }

func (l *Link) stopSending() { l.closeOnce.Do(func() { close(l.closing) }) }

func (l *Link) read(events Events) {
	taken := events.Up(l)
	err := ErrClosed
	if taken {
		err = l.readAll(events)
	}
	l.fail()
	<-l.written
	close(l.gone)
	if taken {
		events.Down(l, err)
	}
}

func (l *Link) readAll(events Events) error {
	for {
		message, err := l.conn.RecvMsg()
		if err != nil {
			return err
		}
		if frames := message.Frames; len(frames) >= 2 && len(frames[0]) == 0 {
			events.Receive(l, frames[1])
		} else {
			events.Dropped(l)
		}
	}
}

// command answers a PING. If the queue is full, there is no answer.
func (l *Link) command(name string, body []byte) {
	if name == zmq4.CmdPing {
		select {
		case l.queue <- outgoing{command: zmq4.CmdPong, payload: pongBody(body)}:
		default:
		}
	}
}

// write writes the queued messages, and flushes whenever the queue is empty.
func (l *Link) write() {
	defer close(l.written)
	for {
		select {
		case next := <-l.queue:
			if l.put(next) != nil {
				// The goroutine that reads closes the connection: there may still be messages that the peer sent before it
				// closed.
				l.stopSending()
				return
			}
		case <-l.closing:
			l.putRest()
			return
		}
	}
}

func (l *Link) put(next outgoing) error {
	for {
		if err := l.putOne(next); err != nil {
			return err
		}
		select {
		case next = <-l.queue:
		default:
			l.lastWrite.Store(time.Now().UnixNano())
			return l.guard.Flush()
		}
	}
}

func (l *Link) putOne(next outgoing) error {
	if next.command != "" {
		return l.conn.SendCmd(next.command, next.payload)
	}
	return l.conn.SendMsg(zmq4.NewMsgFrom(nil, next.payload))
}

func (l *Link) putRest() {
	select {
	case next := <-l.queue:
		l.put(next)
	default:
	}
}

// fail ends both goroutines without waiting for them. Unread messages are lost.
func (l *Link) fail() {
	l.stopSending()
	l.guard.Conn.Close()
}
