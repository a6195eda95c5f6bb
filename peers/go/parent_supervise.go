package multifrost

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/multifrost/multifrost-go/internal/link"
)

const (
	// breakGrace is how long a broken connection waits to be explained by the end of the process.
	breakGrace = time.Second
	// answerGrace is how long the last answers may take to be read after the end of the process: until its connection
	// ends, which it does at once unless the worker has forked a process that holds it.
	answerGrace = time.Second
)

// supervise watches a session until it ends, and sees to what follows.
func (p *ParentWorker) supervise(s *session) {
	if s.process == nil {
		p.superviseService(s)
	} else {
		p.superviseProcess(s)
	}
}

func (p *ParentWorker) superviseService(s *session) {
	select {
	case <-p.closing.Done():
		return
	case <-s.first.Gone():
	}
	p.interrupted(s.first, StateReconnecting)
	p.countFailure()
	p.comeBack(s)
}

func (p *ParentWorker) superviseProcess(s *session) {
	current := s.first
	for {
		var gone <-chan struct{}
		if current != nil {
			gone = current.Gone()
		}
		select {
		case <-p.closing.Done():
			return
		case <-s.process.exited:
			p.processEnded(s, current)
			return
		case <-gone:
			var next *link.Link
			select {
			case <-s.process.exited:
				continue
			case next = <-s.ups:
			case <-time.After(breakGrace):
			}
			p.interrupted(current, StateReconnecting)
			p.countFailure()
			if current = next; next != nil {
				p.resumed(next)
			}
		case current = <-s.ups:
			p.resumed(current)
		}
	}
}

// processEnded lets the last answers arrive, tells those who wait, and restarts or gives up.
func (p *ParentWorker) processEnded(s *session, current *link.Link) {
	if current != nil {
		select {
		case <-current.Gone():
		case <-time.After(answerGrace):
		}
	}
	if p.closing.Err() != nil {
		return
	}
	exit := s.process.exit
	p.mu.Lock()
	p.link = nil
	if p.config.autoRestart {
		p.setState(StateRestarting)
	} else {
		p.exit = &exit
		p.setState(StateExited)
	}
	p.mu.Unlock()
	p.failPending(func(name string) error { return workerExited(name, exit) })
	p.countFailure()
	s.close()
	if p.config.autoRestart {
		p.comeBack(s)
	}
}

// interrupted fails the calls that were sent over a link.
func (p *ParentWorker) interrupted(l *link.Link, state State) {
	p.mu.Lock()
	if p.link == l {
		p.link = nil
		p.setState(state)
	}
	p.mu.Unlock()
	p.failPending(func(name string) error {
		return &ConnectionError{Code: CodeConnectionLost, Message: fmt.Sprintf("'%s' got no answer: the connection to %s was lost. "+
			"It may have run or not; calls made from now on wait for the connection to come back.", name, p.name)}
	})
}

func (p *ParentWorker) resumed(l *link.Link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing.Err() == nil {
		p.link = l
		p.setState(StateRunning)
	}
}

// countFailure is one failure of the worker, however many calls were waiting for it.
func (p *ParentWorker) countFailure() {
	ticket, _ := p.breaker.Admit()
	p.breaker.Failure(ticket)
}

// comeBack opens a new session, with growing pauses: for a service again and again, for a process as often as the budget
// allows.
func (p *ParentWorker) comeBack(ended *session) {
	if time.Since(ended.since) >= p.config.restartWindow {
		p.backoff.Reset()
	}
	var exit Exit
	if ended.process != nil {
		exit = ended.process.exit
	}
	for ended.process == nil || p.budget.Take() {
		select {
		case <-p.closing.Done():
			return
		case <-time.After(p.backoff.Next()):
		}
		s, err := p.open(context.Background())
		if err == nil {
			p.cameBack(s)
			return
		}
		if p.closing.Err() != nil {
			return
		}
		p.log.Info("The worker did not come back yet.", "worker", p.name, "error", err)
		var spawn *SpawnError
		if errors.As(err, &spawn) {
			exit = spawn.Exit
		}
	}
	p.giveUp(exit)
}

func (p *ParentWorker) cameBack(s *session) {
	if s.process == nil {
		p.backoff.Reset()
	} else {
		p.counters.restarted()
	}
	_ = p.adopt(s) // refused only where Stop has begun, which sees to the rest
}

func (p *ParentWorker) giveUp(exit Exit) {
	p.breaker.Trip()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.exit = &exit
	p.setState(StateExited)
}

func workerExited(name string, exit Exit) error {
	return &WorkerExitedError{Code: CodeWorkerExited, FunctionName: name, Exit: exit}
}
