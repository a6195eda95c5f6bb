package multifrost

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/multifrost/multifrost-go/internal/wire"
)

// Caller makes calls. *ParentWorker and OptionCaller are callers.
type Caller interface {
	// CallFunction calls a method of the worker and returns its result: nil, bool, int64 (uint64 above its range), float64,
	// string, []byte, time.Time, []any, map[string]any or Ext.
	CallFunction(ctx context.Context, name string, args ...any) (any, error)
}

// CallFunction calls a method of the worker. The error is one of *RemoteCallError, *WorkerExitedError, *ConnectionError,
// *TimeoutError, *CircuitOpenError, *SerializationError, *OverloadError and *NotRunningError, or wraps context.Canceled.
// When ctx is done, CallFunction returns; the method may go on running in the worker.
func (p *ParentWorker) CallFunction(ctx context.Context, name string, args ...any) (any, error) {
	return p.WithOptions().CallFunction(ctx, name, args...)
}

// WithOptions returns a caller with other options for its calls. The options of the parent do not change.
func (p *ParentWorker) WithOptions(options ...CallOption) OptionCaller {
	config := p.config.callConfig
	for _, option := range options {
		option.applyCall(&config)
	}
	return OptionCaller{p, config}
}

// OptionCaller makes calls with the options of ParentWorker.WithOptions.
type OptionCaller struct {
	parent *ParentWorker
	config callConfig
}

// CallFunction calls a method of the worker, as ParentWorker.CallFunction does, with the caller's options.
func (c OptionCaller) CallFunction(ctx context.Context, name string, args ...any) (any, error) {
	answer, err := c.parent.call(ctx, name, args, c.config)
	if err != nil {
		return nil, err
	}
	return answer.Result, nil
}

// Call calls a method, as CallFunction does, and returns its result as a T: numbers if they fit, structs from maps by their
// msgpack or json tags. If the result is no T, the error is a *SerializationError with the code UNEXPECTED_RESULT.
func Call[T any](ctx context.Context, c Caller, name string, args ...any) (T, error) {
	var result T
	value, err := c.CallFunction(ctx, name, args...)
	if err != nil {
		return result, err
	}
	if err := assign(reflect.ValueOf(&result).Elem(), value, "result"); err != nil {
		return result, &SerializationError{Code: CodeUnexpectedResult, Path: "result",
			Message: fmt.Sprintf("'%s' returned an unexpected result: %v", name, err)}
	}
	return result, nil
}

// ListFunctions asks the worker for the names that can be called.
func (p *ParentWorker) ListFunctions(ctx context.Context) ([]string, error) {
	answer, err := p.introspect(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	if err := assign(reflect.ValueOf(&names).Elem(), answer.Result, "result"); err != nil {
		return nil, &SerializationError{Code: CodeUnexpectedResult, Path: "result", Message: fmt.Sprintf("the list of functions cannot be read: %v", err)}
	}
	return names, nil
}

// introspect tries each language's name for introspection until one is answered.
func (p *ParentWorker) introspect(ctx context.Context) (*wire.Message, error) {
	var refused error
	for _, name := range introspection {
		answer, err := p.call(ctx, name, nil, p.config.callConfig)
		var remote *RemoteCallError
		if err == nil || !errors.As(err, &remote) {
			return answer, err
		}
		if refused == nil {
			refused = err
		}
	}
	return nil, refused
}
