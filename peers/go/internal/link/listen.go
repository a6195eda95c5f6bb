package link

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// acceptPause is the pause after an accept that failed, for example because there are no file descriptors left.
const acceptPause = 50 * time.Millisecond

// Listener accepts connections. Each handshake has a separate goroutine, so that none delays another.
type Listener struct {
	tcp    net.Listener
	config Config
	only   bool
	wait   sync.WaitGroup

	mu     sync.Mutex
	closed bool
	links  map[*Link]struct{}
	raw    map[net.Conn]struct{}
}

// Listen listens on a port that the system chooses. With only, it accepts one link at a time and closes others.
func Listen(host string, config Config, only bool) (*Listener, error) {
	tcp, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", host, err)
	}
	s := &Listener{tcp: tcp, config: config, only: only, links: map[*Link]struct{}{}, raw: map[net.Conn]struct{}{}}
	s.wait.Add(1)
	go s.accept()
	return s, nil
}

// Port returns the port on which the listener listens.
func (s *Listener) Port() int { return s.tcp.Addr().(*net.TCPAddr).Port }

// Close stops listening and closes the links, which write their queued messages for up to 1 s.
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
		go func() { defer s.wait.Done(); l.closeGently() }()
	}
	s.wait.Wait()
}

func (s *Listener) accept() {
	defer s.wait.Done()
	for {
		conn, err := s.tcp.Accept()
		if err == nil {
			s.wait.Add(1)
			go s.shake(conn)
			continue
		}
		s.mu.Lock()
		closed := s.closed
		s.mu.Unlock()
		if closed {
			return
		}
		time.Sleep(acceptPause)
	}
}

func (s *Listener) shake(conn net.Conn) {
	defer s.wait.Done()
	if !s.admit(conn) {
		conn.Close()
		return
	}
	config := s.config
	up, down := config.Events.Up, config.Events.Down
	config.Events.Up = func(l *Link) bool { return s.keep(l, conn) && up(l) }
	config.Events.Down = func(l *Link, err error) { s.forget(l); down(l, err) }
	if _, err := open(conn, true, config); err != nil {
		s.mu.Lock()
		delete(s.raw, conn)
		s.mu.Unlock()
	}
}

func (s *Listener) admit(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.only && len(s.links) > 0 {
		return false
	}
	s.raw[conn] = struct{}{}
	return true
}

// keep keeps a link whose handshake is done, unless the listener was closed meanwhile or has its only link.
func (s *Listener) keep(l *Link, conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.raw, conn)
	if s.closed || s.only && len(s.links) > 0 {
		return false
	}
	s.links[l] = struct{}{}
	return true
}

func (s *Listener) forget(l *Link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.links, l)
}

// Dial connects to a port and shakes hands. ctx bounds both.
func Dial(ctx context.Context, host string, port int, config Config) (*Link, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, fmt.Sprint(port)))
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	return open(conn, false, config)
}
