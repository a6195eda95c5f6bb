package multifrost

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/multifrost/multifrost-go/internal/link"
)

// session is one connection to a worker, with the worker's process if the parent started it.
type session struct {
	process  *process       // spawn mode
	listener *link.Listener // spawn mode
	first    *link.Link
	ups      chan *link.Link // new links; open takes the first
	since    time.Time
}

// maxWaitingLinks is how many links may wait for the supervisor. One is usual.
const maxWaitingLinks = 4

// open starts or connects to a worker and waits for the answer to a heartbeat. It cleans up if it fails.
func (p *ParentWorker) open(ctx context.Context) (*session, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, p.config.startTimeout, errTooLate)
	defer cancel()
	stop := context.AfterFunc(p.closing, cancel)
	defer stop()
	s := &session{ups: make(chan *link.Link, maxWaitingLinks), since: time.Now()}
	var err error
	if p.script != "" {
		err = p.openProcess(ctx, s)
	} else {
		err = p.openService(ctx, s)
	}
	if err != nil {
		s.abandon()
		if p.closing.Err() != nil {
			return nil, p.notStarted(StateStopping)
		}
		return nil, err
	}
	return s, nil
}

var errTooLate = errors.New("the start timeout has passed")

func (s *session) abandon() {
	if s.process != nil {
		s.process.kill()
		<-s.process.exited
	}
	s.close()
}

// close ends the connection. The process must have ended before.
func (s *session) close() {
	if s.listener != nil {
		s.listener.Close()
	} else if s.first != nil {
		s.first.Close()
	}
}

func (p *ParentWorker) linkConfig(s *session) link.Config {
	return link.Config{Socket: link.Dealer, MaxMessage: p.codec.Limits.MessageBytes, Events: link.Events{
		Up: func(l *link.Link) bool {
			select {
			case s.ups <- l:
				return true
			default:
				return false
			}
		},
		Receive: func(_ *link.Link, payload []byte) { p.receive(payload) },
		Dropped: func(*link.Link) { p.counters.droppedOne() },
		Down:    func(*link.Link, error) {}, // the supervisor waits for Gone
	}}
}

// openProcess listens, starts the process, and waits for the worker to connect.
func (p *ParentWorker) openProcess(ctx context.Context, s *session) error {
	plan, err := planLaunch(p.script, p.config)
	if err != nil {
		return err
	}
	s.listener, err = link.Listen(loopback, p.linkConfig(s), true)
	if err != nil {
		return &ConnectionError{Code: CodeUnreachable, Message: fmt.Sprintf("the parent of %s %v", p.name, err), Err: err}
	}
	if s.process, err = startProcess(plan, s.listener.Port(), p.lines.put); err != nil {
		return err
	}
	select {
	case s.first = <-s.ups:
	case <-s.process.exited:
		return exitedEarly(s.process.exit)
	case <-ctx.Done():
		return p.startFailed(ctx, s)
	}
	if p.config.heartbeatInterval <= 0 || p.prove(ctx, s.first) {
		return nil
	}
	select {
	case <-s.process.exited:
		return exitedEarly(s.process.exit)
	case <-time.After(pipeGrace):
		return p.startFailed(ctx, s)
	}
}

func exitedEarly(exit Exit) error {
	return &SpawnError{Code: CodeExitedEarly, Exit: exit, Message: fmt.Sprintf("the worker ended before it was reachable (%s): %s%s",
		exit, exit.Command, stderrOf(exit))}
}

func (p *ParentWorker) startFailed(ctx context.Context, s *session) error {
	cause := context.Cause(ctx)
	if cause != nil && !errors.Is(cause, errTooLate) {
		return fmt.Errorf("the start of %s was cancelled: %w", p.name, cause)
	}
	exit := Exit{ExitCode: -1, Command: s.process.command, StderrTail: s.process.stderr.String()}
	return &SpawnError{Code: CodeStartTimeout, Exit: exit, Err: cause, Message: fmt.Sprintf("the worker was not reachable within %v: %s; "+
		"its program must create and run a worker: allow more time with WithStartTimeout%s", p.config.startTimeout, exit.Command, stderrOf(exit))}
}

// openService finds the service in the registry, connects, and waits for the answer to a heartbeat: another program may
// listen on the registered port.
func (p *ParentWorker) openService(ctx context.Context, s *session) error {
	found, err := p.services.Discover(ctx, p.serviceID, 0)
	if err != nil {
		return registryError(err)
	}
	s.first, err = link.Dial(ctx, loopback, found.Port, p.linkConfig(s))
	if err != nil {
		return p.unreachable(found.PID, found.Port, err)
	}
	<-s.ups
	within, cancel := context.WithTimeout(ctx, p.config.heartbeatTimeout)
	defer cancel()
	if !p.prove(within, s.first) {
		return p.unreachable(found.PID, found.Port, errors.New("no heartbeat was answered"))
	}
	return nil
}

func (p *ParentWorker) unreachable(pid, port int, err error) error {
	return &ConnectionError{Code: CodeUnreachable, Err: err, Message: fmt.Sprintf("the service '%s' cannot be reached on port %d, where the registry "+
		"lists process %d: %v; start it again", p.serviceID, port, pid, err)}
}

// adopt makes a session the current one, so that calls go out. After Stop was called, it ends the session instead.
func (p *ParentWorker) adopt(s *session) error {
	if !p.tryAdopt(s) {
		s.abandon()
		return p.notStarted(StateStopping)
	}
	return nil
}

func (p *ParentWorker) tryAdopt(s *session) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing.Err() != nil {
		return false
	}
	p.session, p.link = s, s.first
	p.counters.fresh()
	p.budget.Healthy()
	p.breaker.Close()
	p.setState(StateRunning)
	p.inside.Add(2)
	ended := make(chan struct{})
	go func() { defer p.inside.Done(); defer close(ended); p.supervise(s) }()
	go func() { defer p.inside.Done(); p.beatRegularly(s, ended) }()
	return true
}
