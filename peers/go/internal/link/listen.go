package link

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// acceptPause is how long to wait after an accept that failed, as it does where there are no file descriptors left.
const acceptPause = 50 * time.Millisecond

// Listener takes connections. Each shakes hands in a goroutine of its own, so that none keeps another out.
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

// Listen listens at a port that the system gives. With only, one link at a time is taken: others are closed.
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

// Port is the port that the system gave.
func (s *Listener) Port() int { return s.tcp.Addr().(*net.TCPAddr).Port }

// Close stops listening and closes the links, which send what they have for up to a second.
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

// keep takes a link whose handshake is done, unless Close came meanwhile, or another link.
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

// Dial connects to a port of this machine and shakes hands. ctx bounds the connecting.
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
