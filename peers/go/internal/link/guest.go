package link

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/multifrost/multifrost-go/internal/zmtp"
)

// maxWrongAnswers is how many messages a candidate may send besides the answer to the heartbeat. Older workers in Rust send one.
const maxWrongAnswers = 16

// Challenge is a heartbeat for a connection that has shown no token.
type Challenge struct {
	Question []byte
	// IsAnswer reports whether a message answers the question, and returns the token in it, empty if there is none.
	IsAnswer func(payload []byte) (token string, ok bool)
}

// Private listens for the worker that this process starts: on a Unix socket that only this user can reach, and on a port for
// workers that know only that. It accepts one connection, that of the worker, and then stops listening. Any other gets a
// heartbeat at most, and is closed.
//
// A worker proves itself with the token, in its READY command or in its answer to a heartbeat. Older workers know no token:
// they answer the heartbeat, over TCP, and on Linux their process must be the one that was started or descend from it.
type Private struct {
	config    Config
	challenge func() Challenge
	token     string
	tcp       *entrance
	unix      *entrance // nil if no path is short enough
	folder    string
	started   chan struct{} // closed when pid is set
	pid       int
	ended     chan struct{} // closed by Close
	wait      sync.WaitGroup

	mu     sync.Mutex
	closed bool
	guest  *Link
}

// ListenPrivately listens. The link that config.Events.Up gets is the worker's.
func ListenPrivately(host string, config Config, challenge func() Challenge) (*Private, error) {
	tcp, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", host, err)
	}
	p := &Private{config: config, challenge: challenge, token: newToken(), tcp: newEntrance(tcp),
		started: make(chan struct{}), ended: make(chan struct{})}
	folder, unix := listenInPrivateFolder()
	p.listenOn(p.tcp)
	if unix != nil {
		p.folder, p.unix = folder, newEntrance(unix)
		p.listenOn(p.unix)
	}
	return p, nil
}

func newToken() string {
	var random [16]byte
	rand.Read(random[:]) // never fails
	return hex.EncodeToString(random[:])
}

// listenInPrivateFolder listens on a Unix socket in a new folder of mode 0700. Without a path that is short enough it
// returns nil.
func listenInPrivateFolder() (folder string, listener net.Listener) {
	longest := 107 // bytes
	if runtime.GOOS != "linux" {
		longest = 103
	}
	for _, parent := range []string{os.TempDir(), "/tmp"} {
		folder, err := os.MkdirTemp(parent, "multifrost-")
		if err != nil {
			continue
		}
		if path := filepath.Join(folder, "worker"); len(path) <= longest {
			if listener, err := net.Listen("unix", path); err == nil {
				return folder, listener
			}
		}
		os.RemoveAll(folder)
	}
	return "", nil
}

// Port returns the port for workers that know only that.
func (p *Private) Port() int { return p.tcp.listener.Addr().(*net.TCPAddr).Port }

// Path returns the path of the Unix socket, empty if there is none.
func (p *Private) Path() string {
	if p.unix == nil {
		return ""
	}
	return p.unix.listener.Addr().String()
}

// Token returns the token of the worker: 128 random bits, in hexadecimal.
func (p *Private) Token() string { return p.token }

// Expect says which process was started.
func (p *Private) Expect(pid int) {
	p.pid = pid
	close(p.started)
}

// Close stops listening and closes every connection. That of the worker writes its queued messages first.
func (p *Private) Close() {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.ended)
	}
	guest := p.guest
	p.mu.Unlock()
	p.stopListening()
	if guest != nil {
		guest.CloseGently()
	}
	p.wait.Wait()
}

func (p *Private) listenOn(e *entrance) {
	p.wait.Add(1)
	go func() {
		defer p.wait.Done()
		acceptAll(e.listener, func(conn net.Conn) {
			if c := e.enter(conn); c != nil {
				p.wait.Add(1)
				go p.consider(c, e)
			} else {
				p.refused(nil)
			}
		})
	}()
}

// stopListening closes the listeners, and the connections that are not accepted.
func (p *Private) stopListening() {
	p.tcp.close()
	if p.unix != nil {
		p.unix.close()
		os.RemoveAll(p.folder)
	}
}

var errOthers = errors.New("the worker is connected, or too many others wait")

// consider decides about a connection, and reads it if it is the worker's.
func (p *Private) consider(c *candidate, e *entrance) {
	l, err := shake(c.conn, p.config, nil)
	e.greeted(c)
	if err == nil {
		if err = p.prove(l, c, e); err == nil && p.accept(l) {
			l.serve(p.config, p.wait.Done)
			return
		}
		l.end()
	}
	p.refused(err)
	p.wait.Done()
}

// refused reports a connection that is closed, but not at the end.
func (p *Private) refused(reason error) {
	p.mu.Lock()
	closed := p.closed
	p.mu.Unlock()
	if closed {
		return
	}
	if reason == nil || errors.Is(reason, net.ErrClosed) {
		reason = errOthers
	}
	p.config.Events.Refused(reason.Error())
}

// prove returns why a connection is not the worker's, or nil if it is.
func (p *Private) prove(l *Link, c *candidate, e *entrance) error {
	if l.peer.SocketType != string(zmtp.Router) {
		return l.refused("it is no ROUTER socket")
	}
	token, found := l.peer.Properties["x-token"]
	if !found {
		if !e.ask(c) {
			return errOthers
		}
		defer e.leave(c)
		var err error
		if token, err = p.ask(l); err != nil {
			return err
		}
		e.answered(c)
	}
	if token != "" || found {
		if subtle.ConstantTimeCompare([]byte(token), []byte(p.token)) == 1 {
			return nil
		}
		return l.refused("its token is wrong")
	}
	remote, isTCP := l.conn.RemoteAddr().(*net.TCPAddr)
	if !isTCP {
		return l.refused("it has no token")
	}
	select {
	case <-p.started:
	case <-p.ended:
		return ErrClosed
	}
	if !isHeldBy(p.pid, remote, l.conn.LocalAddr().(*net.TCPAddr)) {
		return l.refused("it is not the process that was started")
	}
	return nil
}

// ask sends a heartbeat and returns the token in the answer.
func (p *Private) ask(l *Link) (token string, err error) {
	challenge := p.challenge()
	l.out.put(challenge.Question, urgent)
	for range maxWrongAnswers {
		arrival, err := l.reader.Next()
		switch {
		case err != nil:
			return "", err
		case arrival.Kind == zmtp.Ping:
			l.out.command(zmtp.AppendPong(nil, arrival.Payload))
		case arrival.Kind == zmtp.Message:
			if token, ok := challenge.IsAnswer(arrival.Payload); ok {
				return token, nil
			}
		}
	}
	return "", l.refused("it did not answer a heartbeat")
}

// refused tells the peer that it is not wanted, and returns the reason as an error.
func (l *Link) refused(reason string) error {
	l.out.command(zmtp.AppendError(nil, reason))
	return errors.New(reason)
}

// accept makes a connection that of the worker, unless there is one, and then stops listening.
func (p *Private) accept(l *Link) bool {
	p.mu.Lock()
	if p.closed || p.guest != nil {
		p.mu.Unlock()
		return false
	}
	p.guest = l
	p.mu.Unlock()
	p.stopListening()
	return true
}
