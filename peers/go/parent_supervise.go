package multifrost

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/multifrost/multifrost-go/internal/link"
)

const (
	// breakGrace is how long a lost connection waits for the exit of the process that explains it.
	breakGrace = time.Second
	// answerGrace is how long the parent reads the last answers after the process has ended. The connection normally ends
	// at once, unless the worker has forked a process that holds it.
	answerGrace = time.Second
)

// supervise watches a session until it ends, then restarts, reconnects or gives up.
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
	case <-s.link.Gone():
	}
	p.interrupted(s.link)
	p.countLoss(s)
	p.comeBack(s)
}

// superviseProcess ends a process whose connection is lost: nothing listens for a new one.
func (p *ParentWorker) superviseProcess(s *session) {
	select {
	case <-p.closing.Done():
		return
	case <-s.process.exited:
	case <-s.link.Gone():
		if !s.process.endedWithin(breakGrace) {
			p.log.Warn("the connection to the worker was lost; its process is ended", "worker", p.name)
			p.interrupted(s.link)
			s.process.kill()
			<-s.process.exited
		}
	}
	p.processEnded(s)
}

// processEnded reads the last answers, settles the calls in flight, and restarts or gives up.
func (p *ParentWorker) processEnded(s *session) {
	select {
	case <-s.link.Gone():
	case <-time.After(answerGrace):
	}
	if p.closing.Err() != nil {
		return
	}
	exit := s.process.exit
	exit.Stalled = time.Duration(s.stalled.Load())
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
	p.countLoss(s)
	s.close()
	if p.config.autoRestart {
		p.comeBack(s)
	}
}

// interrupted fails the calls that were sent over a lost link.
func (p *ParentWorker) interrupted(l *link.Link) {
	p.mu.Lock()
	if p.link == l {
		p.link = nil
		p.setState(StateReconnecting)
	}
	p.mu.Unlock()
	p.failPending(func(name string) error {
		return &ConnectionError{Code: CodeConnectionLost, Message: fmt.Sprintf("'%s' got no answer: the connection to %s was lost; "+
			"it may have run or not: new calls wait until the connection is back", name, p.name)}
	})
}

// countLoss counts one failure of the worker, no matter how many calls it fails. A worker that refused calls because it was stopping
// has ended in order.
func (p *ParentWorker) countLoss(s *session) {
	p.mu.Lock()
	isInOrder := p.leaving == s.link
	p.mu.Unlock()
	if !isInOrder {
		ticket, _ := p.breaker.Admit()
		p.breaker.Failure(ticket)
	}
}

// comeBack opens a new session, with growing pauses between attempts: without end for a service, as often as the budget
// allows for a process.
func (p *ParentWorker) comeBack(ended *session) {
	if time.Since(ended.since) >= p.config.restartWindow {
		p.backoff.Reset()
	}
	var exit Exit
	if ended.process != nil {
		exit = ended.process.exit
		exit.Stalled = time.Duration(ended.stalled.Load())
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
		p.log.Info("the worker is not back yet", "worker", p.name, "error", err)
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
	_ = p.adopt(s) // fails only after Stop was called, which ends the session
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
