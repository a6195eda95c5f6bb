package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

const (
	// acceptPause is the pause after an accept that failed, for example because there are no file descriptors left.
	acceptPause = 50 * time.Millisecond
	// maxConnections is how many connections a service has at once. It closes more.
	maxConnections = 4096
)

// Listener accepts the connections of a service's parents. Each has a separate goroutine, so that none delays another.
type Listener struct {
	tcp    net.Listener
	config Config
	budget *Budget
	wait   sync.WaitGroup

	mu     sync.Mutex
	closed bool
	links  map[*Link]struct{}
	raw    map[net.Conn]struct{} // during the handshake
}

// Listen listens on a port that the system chooses. Budget bounds what is held for all parents together.
func Listen(host string, config Config, budget *Budget) (*Listener, error) {
	tcp, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", host, err)
	}
	s := &Listener{tcp: tcp, config: config, budget: budget, links: map[*Link]struct{}{}, raw: map[net.Conn]struct{}{}}
	s.wait.Add(1)
	go func() {
		defer s.wait.Done()
		acceptAll(tcp, func(conn net.Conn) {
			s.wait.Add(1)
			go s.serve(conn)
		})
	}()
	return s, nil
}

// acceptAll accepts connections until the listener is closed.
func acceptAll(listener net.Listener, accepted func(net.Conn)) {
	for {
		conn, err := listener.Accept()
		switch {
		case err == nil:
			accepted(conn)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			time.Sleep(acceptPause)
		}
	}
}

// Port returns the port on which the listener listens.
func (s *Listener) Port() int { return s.tcp.Addr().(*net.TCPAddr).Port }

// Close stops listening and closes the links, which write their queued messages first.
func (s *Listener) Close() {
	s.mu.Lock()
	s.closed = true
	s.tcp.Close()
	for conn := range s.raw {
		conn.Close()
	}
	links := make([]*Link, 0, len(s.links))
	for l := range s.links {
		links = append(links, l)
	}
	s.mu.Unlock()
	for _, l := range links {
		s.wait.Add(1)
		go func() { defer s.wait.Done(); l.CloseGently() }()
	}
	s.wait.Wait()
}

func (s *Listener) serve(conn net.Conn) {
	if !s.admit(conn) {
		conn.Close()
		s.config.Events.Refused(fmt.Sprintf("it is one more than %d", maxConnections))
		s.wait.Done()
		return
	}
	share := s.budget.share()
	l, err := shake(conn, s.config, share)
	end := func() {
		s.mu.Lock()
		delete(s.links, l)
		s.mu.Unlock()
		share.leave()
		s.wait.Done()
	}
	if s.keep(l, conn) {
		l.serve(s.config, end)
		return
	}
	if err != nil {
		s.config.Events.Refused(err.Error())
	} else {
		l.end()
	}
	end()
}

// keep keeps a link whose handshake is done, unless the listener was closed meanwhile.
func (s *Listener) keep(l *Link, conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.raw, conn)
	if l == nil || s.closed {
		return false
	}
	s.links[l] = struct{}{}
	return true
}

func (s *Listener) admit(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.links)+len(s.raw) >= maxConnections {
		return false
	}
	s.raw[conn] = struct{}{}
	return true
}

// Dial connects to a TCP address or the path of a Unix socket, and shakes hands. ctx bounds both.
func Dial(ctx context.Context, network, address string, config Config) (*Link, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	l, err := shake(conn, config, nil)
	if !stop() && err == nil {
		l.end()
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, err
	}
	go l.serve(config, func() {})
	return l, nil
}
