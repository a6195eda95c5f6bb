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
	name     string
	sent     bool
	settled  chan outcome // has room for one
	admitted admission
}

type outcome struct {
	answer *wire.Message
	err    error
}

// admission lets a call go ahead.
type admission struct{ worker, method *health.Ticket }

// call makes a call: it admits, encodes and sends it once there is a link, and settles it exactly once.
func (p *ParentWorker) call(ctx context.Context, name string, args []any, config callConfig) (*wire.Message, error) {
	began := time.Now()
	if err := p.refusalReason(name); err != nil {
		return nil, err
	}
	admitted, err := p.admit(name)
	if err != nil {
		return nil, err
	}
	call := &pendingCall{name: name, settled: make(chan outcome, 1), admitted: admitted}
	answer, err := p.callAdmitted(ctx, began, call, args, config)
	p.judgeCall(call, err)
	return answer, err
}

// admit asks the circuit of the worker, and that of the method.
func (p *ParentWorker) admit(name string) (admission, error) {
	worker, retryAt := p.breaker.Admit()
	if worker == nil {
		return admission{}, &CircuitOpenError{Code: CodeCircuitOpen, FunctionName: name, RetryAt: retryAt}
	}
	method, retryAt, ok := p.methods.Admit(name)
	if !ok {
		p.breaker.Ignored(worker)
		return admission{}, &CircuitOpenError{Code: CodeCircuitOpen, FunctionName: name, RetryAt: retryAt, OfMethod: true}
	}
	return admission{worker, method}, nil
}

func (p *ParentWorker) callAdmitted(
	ctx context.Context, began time.Time, call *pendingCall, args []any, config callConfig,
) (*wire.Message, error) {
	m := wire.New(wire.Call)
	m.Function, m.Args, m.Namespace, m.ClientName = call.name, args, config.namespace, config.clientName
	data, err := p.codec.Encode(m)
	if err != nil {
		return nil, serializationError(fmt.Sprintf("the call of '%s'", call.name), err)
	}
	if config.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, began.Add(config.timeout))
		defer cancel()
	}
	if err := p.enqueue(m.ID, call); err != nil {
		return nil, err
	}
	defer p.forget(m.ID)
	if _, bounded := ctx.Deadline(); !bounded && (call.admitted.worker.IsTrial() || call.admitted.method.IsTrial()) {
		// It may go on, but keeps no others out: the next call becomes the trial.
		defer time.AfterFunc(p.config.startTimeout, func() { p.ignore(call) }).Stop()
	}
	answer, err := p.exchange(ctx, m.ID, call, data)
	if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = ended(call, began, err)
	}
	p.counters.ended(time.Since(began), err != nil)
	return answer, err
}

// ended returns the error of a call whose context is done.
func ended(call *pendingCall, began time.Time, err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &TimeoutError{Code: CodeTimeout, FunctionName: call.name, After: time.Since(began), NotSent: !call.sent}
	case !call.sent:
		return fmt.Errorf("'%s' was cancelled before it was sent: %w", call.name, err)
	}
	return fmt.Errorf("'%s' was cancelled; the worker may still be running it: %w", call.name, err)
}

// exchange sends the call and waits for what settles it. A call that the link did not take, or that the worker did not run because
// it is stopping, is sent again over the next link.
func (p *ParentWorker) exchange(ctx context.Context, id string, call *pendingCall, data []byte) (*wire.Message, error) {
	for {
		l, err := p.awaitLink(ctx, call)
		if err != nil {
			return nil, err
		}
		if l.Send(data, ctx.Done()) != nil {
			p.waitForNext(id, call, nil)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			select { // supervise takes the link away
			case <-l.Gone():
			case <-ctx.Done():
			}
			continue
		}
		var o outcome
		select {
		case o = <-call.settled:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if o.err != nil || o.answer.Type != wire.Error {
			return o.answer, o.err
		}
		remote := remoteError(o.answer, call.name)
		if remote.Code != CodeStopping || !p.sendsAgain() || p.closing.Err() != nil {
			return nil, remote
		}
		p.waitForNext(id, call, l)
	}
}

// sendsAgain reports whether another session follows this one: a call that its worker did not run is sent again then.
func (p *ParentWorker) sendsAgain() bool { return p.script == "" || p.config.autoRestart }

// waitForNext puts back a call that has not run. No more calls are sent over a link whose worker is leaving.
func (p *ParentWorker) waitForNext(id string, call *pendingCall, leaving *link.Link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-call.settled: // with the loss of the link
	default:
	}
	call.sent = false
	p.pending[id] = call
	if leaving != nil && p.link == leaving {
		p.leaving = leaving
	}
}

// awaitLink waits while the worker restarts or reconnects: without a deadline, for at most the start timeout. When it returns a
// link, the call counts as sent.
func (p *ParentWorker) awaitLink(ctx context.Context, call *pendingCall) (*link.Link, error) {
	var tooLong <-chan time.Time
	for {
		p.mu.Lock()
		refused := p.refusalLocked(call.name)
		l, changed := p.link, p.changed
		if l == p.leaving {
			l = nil
		}
		call.sent = l != nil && refused == nil
		p.mu.Unlock()
		switch {
		case refused != nil:
			return nil, refused
		case l != nil:
			return l, nil
		}
		if _, bounded := ctx.Deadline(); !bounded && tooLong == nil {
			tooLong = time.After(p.config.startTimeout)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tooLong:
			return nil, &ConnectionError{Code: CodeUnreachable, Message: fmt.Sprintf("'%s' was not sent: %s did not come back within %v "+
				"(see WithStartTimeout)", call.name, p.name, p.config.startTimeout)}
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
	return p.refusalLocked(name)
}

// refusalLocked is refusalReason for a caller that holds mu. Who waits for a change looks at the state and at changed under the same
// lock, or could miss the last change.
func (p *ParentWorker) refusalLocked(name string) error {
	switch p.state {
	case StateRunning, StateStalled, StateRestarting, StateReconnecting:
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

// judgeCall reports the outcome of a call to the circuit breakers. What a method returns as its error counts against this method
// alone: the worker answered.
func (p *ParentWorker) judgeCall(call *pendingCall, err error) {
	worker, method := call.admitted.worker, call.admitted.method
	var remote *RemoteCallError
	var timeout *TimeoutError
	switch {
	case err == nil:
		p.breaker.Success(worker)
		p.methods.Success(call.name, method)
	case errors.As(err, &remote) && remote.Code == CodeRemoteError:
		p.breaker.Success(worker)
		if p.isFailure(err) {
			p.methods.Failure(call.name, method)
		} else {
			p.methods.Ignored(call.name, method)
		}
	case errors.As(err, &timeout) && !timeout.NotSent && p.isFailure(err):
		p.breaker.Failure(worker)
		p.methods.Ignored(call.name, method)
	case call.sent && isLoss(err):
		p.breaker.Lost(worker) // counted once, by supervise, unless it is the trial
		p.methods.Ignored(call.name, method)
	default:
		p.ignore(call)
	}
}

// ignore reports an outcome that says nothing: a mistake of the caller, a cancelled call, one that was never sent.
func (p *ParentWorker) ignore(call *pendingCall) {
	p.breaker.Ignored(call.admitted.worker)
	p.methods.Ignored(call.name, call.admitted.method)
}

func isLoss(err error) bool {
	var exited *WorkerExitedError
	var connection *ConnectionError
	return errors.As(err, &exited) || errors.As(err, &connection)
}

// isFailure asks the failure rule about an error that counts by default.
func (p *ParentWorker) isFailure(err error) bool {
	return p.config.isFailure == nil || p.config.isFailure(err)
}
