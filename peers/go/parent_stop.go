package multifrost

import (
	"context"
	"fmt"
	"time"

	"github.com/multifrost/multifrost-go/internal/wire"
)

// flushLimit is how long the handlers may take for the last lines of output.
const flushLimit = time.Second

// stop refuses new calls, lets those in flight finish, then ends the worker and the connection.
func (p *ParentWorker) stop(ctx context.Context) {
	defer close(p.stopped)
	p.mu.Lock()
	p.beginStop()
	p.setState(StateStopping)
	p.mu.Unlock()
	p.inside.Wait()
	p.drain(ctx)
	p.mu.Lock()
	s, l := p.session, p.link
	p.session, p.link = nil, nil
	p.mu.Unlock()
	if s != nil && s.process != nil {
		asked := false
		if data, err := p.codec.Encode(wire.New(wire.Shutdown)); err == nil && l != nil && ctx.Err() == nil {
			asked = l.TrySend(data)
		}
		s.process.end(asked)
	}
	if s != nil {
		s.close()
	}
	p.lines.flush(flushLimit)
	p.failPending(func(name string) error {
		return &NotRunningError{Code: CodeNotRunning, State: StateStopped, Message: fmt.Sprintf("'%s' got no answer: %s was stopped, and calls in "+
			"flight have %v to finish (see WithStopTimeout); it may have run or not", name, p.name, p.config.stopTimeout)}
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.setState(StateStopped)
}

// drain waits until no call is in flight, for at most the stop timeout.
func (p *ParentWorker) drain(ctx context.Context) {
	limit := time.After(p.config.stopTimeout)
	for {
		p.mu.Lock()
		left, l, changed := len(p.pending), p.link, p.changed
		p.mu.Unlock()
		if left == 0 || l == nil {
			return
		}
		select {
		case <-changed:
		case <-l.Gone():
			return
		case <-limit:
			return
		case <-ctx.Done():
			return
		}
	}
}
