package multifrost

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/multifrost/multifrost-go/internal/health"
	"github.com/multifrost/multifrost-go/internal/link"
	"github.com/multifrost/multifrost-go/internal/wire"
)

// pendingCall waits for its answer.
type pendingCall struct {
	name    string
	sent    bool
	settled chan outcome // takes one
}

type outcome struct {
	answer *wire.Message
	err    error
}

// call is a call from its begin to its end: admitted, encoded, sent when there is a link, and settled exactly once.
func (p *ParentWorker) call(ctx context.Context, name string, args []any, config callConfig) (*wire.Message, error) {
	began := time.Now()
	if err := p.absence(name); err != nil {
		return nil, err
	}
	ticket, retryAt := p.breaker.Admit()
	if ticket == nil {
		return nil, &CircuitOpenError{Code: CodeCircuitOpen, FunctionName: name, RetryAt: retryAt}
	}
	answer, err := p.callAdmitted(ctx, began, name, args, config)
	p.judgeCall(ticket, err)
	return answer, err
}

func (p *ParentWorker) callAdmitted(ctx context.Context, began time.Time, name string, args []any, config callConfig) (*wire.Message, error) {
	m := wire.New(wire.Call)
	m.Function, m.Args, m.Namespace, m.ClientName = name, args, config.namespace, config.clientName
	data, err := p.codec.Encode(m)
	if err != nil {
		return nil, serializationError(fmt.Sprintf("The call of '%s'", name), err)
	}
	if config.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, began.Add(config.timeout))
		defer cancel()
	}
	call := &pendingCall{name: name, settled: make(chan outcome, 1)}
	if err := p.enqueue(m.ID, call); err != nil {
		return nil, err
	}
	defer p.forget(m.ID)
	answer, err := p.exchange(ctx, call, data)
	if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = ended(name, began, err)
	}
	p.counters.ended(time.Since(began), err != nil)
	return answer, err
}

// ended says why a call ended by its context.
func ended(name string, began time.Time, err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return &TimeoutError{Code: CodeTimeout, FunctionName: name, After: time.Since(began)}
	}
	return fmt.Errorf("'%s' was cancelled; the worker may still be running it: %w", name, err)
}

// exchange sends the call and waits for what settles it.
func (p *ParentWorker) exchange(ctx context.Context, call *pendingCall, data []byte) (*wire.Message, error) {
	l, err := p.awaitLink(ctx, call)
	if err != nil {
		return nil, err
	}
	_ = l.Send(data, ctx.Done()) // where the link is gone, the call is settled by that
	select {
	case o := <-call.settled:
		if o.err == nil && o.answer.Type == wire.Error {
			return nil, remoteError(o.answer, call.name)
		}
		return o.answer, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// awaitLink waits while the worker restarts or the connection comes back. From then on the call counts as sent.
func (p *ParentWorker) awaitLink(ctx context.Context, call *pendingCall) (*link.Link, error) {
	for {
		if err := p.absence(call.name); err != nil {
			return nil, err
		}
		p.mu.Lock()
		l, changed := p.link, p.changed
		call.sent = l != nil
		p.mu.Unlock()
		if l != nil {
			return l, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (p *ParentWorker) enqueue(id string, call *pendingCall) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.pending) >= p.config.maxPending {
		return &OverloadError{Code: CodeOverloaded, Limit: p.config.maxPending}
	}
	p.pending[id] = call
	p.counters.began(len(p.pending))
	return nil
}

func (p *ParentWorker) forget(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pending, id)
	if len(p.pending) == 0 && p.state == StateStopping {
		p.tellChange()
	}
}

// receive takes one message of the worker's.
func (p *ParentWorker) receive(payload []byte) {
	m, fault := p.codec.Decode(payload)
	if fault != nil {
		p.receiveFault(fault)
		return
	}
	switch m.Type {
	case wire.Response, wire.Error:
		p.settle(m.ID, outcome{answer: m})
	case wire.Heartbeat:
		p.beatAnswered(m.ID)
	case wire.Stdout, wire.Stderr:
		if !p.lines.offer(m.Type, m.Output) {
			p.counters.droppedOne()
		}
	}
}

// receiveFault settles the call that an unreadable message answers, where its id could be read.
func (p *ParentWorker) receiveFault(fault *wire.Fault) {
	if fault.Ignored() {
		return
	}
	p.counters.droppedOne()
	p.log.Warn("A message of the worker's was dropped.", "worker", p.name, "reason", fault.What)
	if fault.ID != "" && (fault.Type == wire.Response || fault.Type == wire.Error) {
		p.settle(fault.ID, outcome{err: &SerializationError{Code: fault.Code, Message: "The answer cannot be read. " + fault.What}})
	}
}

// settle gives a call its end; an answer that nobody waits for any more is dropped.
func (p *ParentWorker) settle(id string, o outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if call := p.pending[id]; call != nil {
		delete(p.pending, id)
		call.settled <- o
	}
}

// failPending settles all calls that were sent.
func (p *ParentWorker) failPending(reason func(name string) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, call := range p.pending {
		if call.sent {
			delete(p.pending, id)
			call.settled <- outcome{err: reason(call.name)}
		}
	}
}

// absence is the error for a call to a worker that is not there to take it, now or soon.
func (p *ParentWorker) absence(name string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch p.state {
	case StateRunning, StateRestarting, StateReconnecting:
		return nil
	case StateExited:
		return workerExited(name, *p.exit)
	}
	return p.notRunning("'"+name+"'", p.state)
}

func (p *ParentWorker) notRunning(what string, state State) error {
	next := "Stop was called; make a new one to go on."
	if state == StateIdle || state == StateStarting {
		next = "Call Start first, and wait for it."
	}
	return &NotRunningError{Code: CodeNotRunning, State: state,
		Message: fmt.Sprintf("%s was not sent: %s is %s. %s", what, p.name, state, next)}
}

// judgeCall tells the circuit breaker how a call ended.
func (p *ParentWorker) judgeCall(ticket *health.Ticket, err error) {
	switch {
	case err == nil:
		p.breaker.Success(ticket)
	case p.isFailure(err):
		p.breaker.Failure(ticket)
	case isLoss(err):
		p.breaker.Lost(ticket)
	default:
		p.breaker.Ignored(ticket)
	}
}

func isLoss(err error) bool {
	var exited *WorkerExitedError
	var connection *ConnectionError
	return errors.As(err, &exited) || errors.As(err, &connection)
}

// isFailure says whether an error speaks against the worker. The end of a connection or process is counted once, where it
// is noticed; the caller's own mistakes and impatience say nothing.
func (p *ParentWorker) isFailure(err error) bool {
	var remote *RemoteCallError
	var timeout *TimeoutError
	counts := errors.As(err, &timeout) || errors.As(err, &remote) && remote.Code == CodeRemoteError
	return counts && (p.config.isFailure == nil || p.config.isFailure(err))
}
