package multifrost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/multifrost/multifrost-go/internal/health"
	"github.com/multifrost/multifrost-go/internal/link"
	"github.com/multifrost/multifrost-go/internal/wire"
	"github.com/multifrost/multifrost-go/internal/zmtp"
)

// session is one connection to a worker, with the worker's process if the parent started it.
type session struct {
	process *process      // spawn mode
	private *link.Private // spawn mode
	link    *link.Link
	up      chan *link.Link // the link, once
	since   time.Time
	pulse   health.Pulse
	stalled atomic.Int64 // how long it was stalled, where that is why its process was killed, as a time.Duration
}

// open starts or connects to a worker and waits for the answer to a heartbeat. It cleans up if it fails.
func (p *ParentWorker) open(ctx context.Context) (*session, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, p.config.startTimeout, errTooLate)
	defer cancel()
	stop := context.AfterFunc(p.closing, cancel)
	defer stop()
	s := &session{up: make(chan *link.Link, 1), since: time.Now()}
	s.pulse.Interval, s.pulse.MaxMisses = p.config.heartbeatInterval, p.config.heartbeatMaxMisses
	s.pulse.StallTimeout = p.config.stallTimeout
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
	if s.private != nil {
		s.private.Close()
	} else if s.link != nil {
		s.link.Close()
	}
}

func (p *ParentWorker) linkConfig(s *session) link.Config {
	return link.Config{Socket: zmtp.Dealer, MaxMessage: p.codec.Limits.MessageBytes, Events: link.Events{
		Up:      func(l *link.Link) bool { s.up <- l; return true },
		Receive: func(_ *link.Link, payload []byte) { p.receive(payload) },
		Dropped: func(*link.Link) { p.counters.droppedOne() },
		Down:    func(*link.Link, error) {}, // the supervisor waits for Gone
		Refused: func(reason string) {
			p.counters.refusedOne()
			p.log.Info("closed a connection that is not the worker's", "worker", p.name, "reason", reason)
		},
	}}
}

// challenge makes a heartbeat for a connection that has shown no token.
func (p *ParentWorker) challenge() link.Challenge {
	m := newHeartbeat()
	question, _ := p.codec.Encode(m) // it has nothing that cannot be sent
	return link.Challenge{Question: question, IsAnswer: func(payload []byte) (token string, ok bool) {
		answer, fault := p.codec.Decode(payload)
		if fault != nil || answer.Type != wire.Heartbeat || answer.ID != m.ID || bytes.Equal(payload, question) {
			return "", false // an echo of the question is no answer
		}
		token, _ = answer.Metadata["token"].(string)
		return token, true
	}}
}

// openProcess listens, starts the process, and waits for the worker to connect.
func (p *ParentWorker) openProcess(ctx context.Context, s *session) error {
	plan, err := planLaunch(p.script, p.config)
	if err != nil {
		return err
	}
	config := p.linkConfig(s)
	config.SkipTooLarge = true // the end of the connection would end the worker
	s.private, err = link.ListenPrivately(loopback, config, p.challenge)
	if err != nil {
		return &ConnectionError{Code: CodeUnreachable, Message: fmt.Sprintf("the parent of %s %v", p.name, err), Err: err}
	}
	if s.process, err = startProcess(plan, invitation(s.private), p.lines.put); err != nil {
		return err
	}
	s.private.Expect(s.process.cmd.Process.Pid)
	select {
	case s.link = <-s.up:
	case <-s.process.exited:
		return exitedEarly(s.process.exit)
	case <-ctx.Done():
		return p.startFailed(ctx, s)
	}
	if p.config.heartbeatInterval <= 0 || p.prove(ctx, s.link) {
		return nil
	}
	select {
	case <-s.process.exited:
		return exitedEarly(s.process.exit)
	case <-time.After(pipeGrace):
		return p.startFailed(ctx, s)
	}
}

// invitation returns what tells the process how to reach its parent, and removes what this process was told itself.
func invitation(private *link.Private) []string {
	variables := []string{
		fmt.Sprintf("%s=%d", wire.PortVariable, private.Port()), wire.ModeVariable + "=1", wire.TokenVariable + "=" + private.Token(),
	}
	if path := private.Path(); path != "" {
		variables = append(variables, wire.EndpointVariable+"=ipc://"+path)
	}
	return variables
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
	address := net.JoinHostPort(loopback, strconv.Itoa(found.Port))
	s.link, err = link.Dial(ctx, "tcp", address, p.linkConfig(s))
	if err != nil {
		return p.unreachable(found.PID, found.Port, err)
	}
	within, cancel := context.WithTimeout(ctx, p.config.heartbeatTimeout)
	defer cancel()
	if !p.prove(within, s.link) {
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
	p.session, p.link, p.leaving = s, s.link, nil
	p.counters.fresh()
	p.budget.Healthy()
	p.breaker.Close()
	p.methods.Close()
	p.setState(StateRunning)
	p.inside.Add(2)
	ended := make(chan struct{})
	go func() { defer p.inside.Done(); defer close(ended); p.supervise(s) }()
	go func() { defer p.inside.Done(); p.beatRegularly(s, ended) }()
	return true
}
