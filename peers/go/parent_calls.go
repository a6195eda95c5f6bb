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
	settled chan outcome // has room for one
}

type outcome struct {
	answer *wire.Message
	err    error
}

// call makes a call: it admits, encodes and sends it once there is a link, and settles it exactly once.
func (p *ParentWorker) call(ctx context.Context, name string, args []any, config callConfig) (*wire.Message, error) {
	began := time.Now()
	if err := p.refusalReason(name); err != nil {
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
		return nil, serializationError(fmt.Sprintf("the call of '%s'", name), err)
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

// ended returns the error of a call whose context is done.
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
	_ = l.Send(data, ctx.Done()) // if the link is gone, supervise settles the call
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

// awaitLink waits while the worker restarts or reconnects. When it returns a link, the call counts as sent.
func (p *ParentWorker) awaitLink(ctx context.Context, call *pendingCall) (*link.Link, error) {
	for {
		if err := p.refusalReason(call.name); err != nil {
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
		p.notifyChange()
	}
}

// receive handles one message of the worker.
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
		p.beatAnswered(m.ID, payload)
	case wire.Stdout, wire.Stderr:
		if !p.lines.offer(m.Type, m.Output) {
			p.counters.droppedOne()
		}
	}
}

// receiveFault settles the call that an unreadable message answers, if its id can be read.
func (p *ParentWorker) receiveFault(fault *wire.Fault) {
	if fault.Ignored() {
		return
	}
	p.counters.droppedOne()
	p.log.Warn("dropped a message of the worker", "worker", p.name, "reason", fault.What)
	if fault.ID != "" && (fault.Type == wire.Response || fault.Type == wire.Error) {
		p.settle(fault.ID, outcome{err: &SerializationError{Code: fault.Code, Message: "the answer cannot be read: " + fault.What}})
	}
}

// settle ends a call. It drops an answer if no call is waiting for it.
func (p *ParentWorker) settle(id string, o outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if call := p.pending[id]; call != nil {
		delete(p.pending, id)
		call.settled <- o
	}
}

// failPending settles all calls that were sent, with an error.
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

// refusalReason returns why a call cannot be made in this state, or nil if it can be sent now or later.
func (p *ParentWorker) refusalReason(name string) error {
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

func (p *ParentWorker) notStarted(state State) error {
	return &NotRunningError{Code: CodeNotRunning, State: state, Message: fmt.Sprintf("%s was not started: Stop was called meanwhile", p.name)}
}

func (p *ParentWorker) notRunning(what string, state State) error {
	next := "make a new parent, as this one was stopped"
	if state == StateIdle || state == StateStarting {
		next = "call Start first, and wait until it returns"
	}
	return &NotRunningError{Code: CodeNotRunning, State: state,
		Message: fmt.Sprintf("%s was not sent: %s is %s; %s", what, p.name, state, next)}
}

// judgeCall reports the outcome of a call to the circuit breaker.
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

// isFailure reports whether an error counts for the circuit. The end of a connection or process is counted once, by
// supervise. Mistakes of the caller and cancelled calls do not count.
func (p *ParentWorker) isFailure(err error) bool {
	var remote *RemoteCallError
	var timeout *TimeoutError
	counts := errors.As(err, &timeout) || errors.As(err, &remote) && remote.Code == CodeRemoteError
	return counts && (p.config.isFailure == nil || p.config.isFailure(err))
}
