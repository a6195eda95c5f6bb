package multifrost

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/multifrost/multifrost-go/internal/registry"
	"github.com/multifrost/multifrost-go/internal/wire"
)

// Error codes. They are stable and the same in every language.
const (
	CodeRemoteError         = "REMOTE_ERROR"
	CodeFunctionNotFound    = "FUNCTION_NOT_FOUND"
	CodeNotCallable         = "NOT_CALLABLE"
	CodePrivateMethod       = "PRIVATE_METHOD"
	CodeMissingFunction     = "MISSING_FUNCTION"
	CodeWrongNamespace      = "WRONG_NAMESPACE"
	CodeOverloaded          = "OVERLOADED"
	CodeStopping            = "STOPPING"
	CodeWorkerExited        = "WORKER_EXITED"
	CodeConnectionLost      = "CONNECTION_LOST"
	CodeUnreachable         = "UNREACHABLE"
	CodeProgramNotFound     = "PROGRAM_NOT_FOUND"
	CodeScriptNotFound      = "SCRIPT_NOT_FOUND"
	CodeExitedEarly         = "EXITED_EARLY"
	CodeStartTimeout        = "START_TIMEOUT"
	CodeSpawnFailed         = "SPAWN_FAILED"
	CodeTimeout             = "TIMEOUT"
	CodeCircuitOpen         = "CIRCUIT_OPEN"
	CodeNotRunning          = "NOT_RUNNING"
	CodeUnsendableValue     = wire.CodeUnsendable
	CodeMessageTooLarge     = wire.CodeTooLarge
	CodeLimitExceeded       = wire.CodeLimit
	CodeUnexpectedResult    = "UNEXPECTED_RESULT"
	CodeInvalidPort         = "INVALID_PORT"
	CodeNoStartMode         = "NO_START_MODE"
	CodeInvalidOption       = registry.CodeInvalid
	CodeServiceNotFound     = registry.CodeNotFound
	CodeServiceExists       = registry.CodeExists
	CodeLockTimeout         = registry.CodeLockTimeout
	CodeRegistryUnavailable = registry.CodeUnavailable
)

// RemoteCallError reports that the method failed in the worker, or that the worker refused the call: Code says which.
type RemoteCallError struct {
	Code          string // CodeRemoteError, or the code of a refusal
	FunctionName  string
	RemoteName    string // the error's type in the worker, such as Python's ValueError
	RemoteMessage string
	RemoteStack   string // the worker's stack or traceback, if it sent one
	RemoteCode    string // the error's own code, if it had one; an integer as its digits
	// RemoteData has the error's other fields that could be sent: exported fields of a Go error, own fields of a JavaScript
	// error, attributes of a Python exception.
	RemoteData map[string]any
	Cause      *RemoteCallError   // the error that it wraps, nil if there is none
	Errors     []*RemoteCallError // of errors.Join, a JavaScript AggregateError, a Python ExceptionGroup
}

// Unwrap returns Cause and Errors.
func (e *RemoteCallError) Unwrap() []error {
	var wrapped []error
	if e.Cause != nil {
		wrapped = append(wrapped, e.Cause)
	}
	for _, joined := range e.Errors {
		wrapped = append(wrapped, joined)
	}
	return wrapped
}

func (e *RemoteCallError) Error() string {
	return fmt.Sprintf("'%s' failed in the worker: %s: %s", e.FunctionName, e.RemoteName, e.RemoteMessage)
}

// Exit describes how a worker's process ended.
type Exit struct {
	ExitCode   int    // -1 when a signal ended it, or it never ran
	Signal     string // such as "killed"; empty when it exited by itself
	StderrTail string // the last 4 KiB of its stderr pipe
	Command    string // the command that started it
	// Stalled is how long it left heartbeats unanswered, where the parent killed it for that (see WithStallTimeout); else 0.
	Stalled time.Duration
}

// String describes the exit in a few words, such as "exit code 3".
func (e Exit) String() string {
	if e.Signal != "" {
		return "signal: " + e.Signal
	}
	return fmt.Sprintf("exit code %d", e.ExitCode)
}

// WorkerExitedError reports that the worker's process ended before it answered, or before the call was made.
type WorkerExitedError struct {
	Code         string // CodeWorkerExited
	FunctionName string
	Exit
}

func (e *WorkerExitedError) Error() string {
	advice := "start a new one, or restart it automatically with WithAutoRestart"
	if e.Stalled > 0 {
		advice = fmt.Sprintf("it was killed because it answered no heartbeat for %v: it computed, was suspended, or hung; where that is right, "+
			"give it more time with WithStallTimeout", e.Stalled)
	}
	return fmt.Sprintf("'%s' got no answer: the worker ended (%s): %s; %s%s", e.FunctionName, e.Exit, e.Command, advice, stderrOf(e.Exit))
}

// SpawnError reports that a worker's process could not be started, or not in time.
type SpawnError struct {
	Code    string // CodeProgramNotFound, CodeScriptNotFound, CodeExitedEarly, CodeStartTimeout, CodeSpawnFailed
	Message string
	Exit
	Err error
}

func (e *SpawnError) Error() string { return e.Message }
func (e *SpawnError) Unwrap() error { return e.Err }

// TimeoutError reports that no answer came in time. The method may still be running. errors.Is finds
// context.DeadlineExceeded in it.
type TimeoutError struct {
	Code         string // CodeTimeout
	FunctionName string
	After        time.Duration
	NotSent      bool // whether it waited for the worker to come back, and never went out
}

func (e *TimeoutError) Error() string {
	if e.NotSent {
		return fmt.Sprintf("'%s' was not sent: it waited for the worker to come back for %v; allow more time",
			e.FunctionName, e.After.Round(time.Millisecond))
	}
	return fmt.Sprintf("'%s' was not answered within %v; the worker may still be running it: allow more time, or check what it does",
		e.FunctionName, e.After.Round(time.Millisecond))
}

// Unwrap returns context.DeadlineExceeded.
func (e *TimeoutError) Unwrap() error { return context.DeadlineExceeded }

// Timeout returns true, as a timeout of net.Error does.
func (e *TimeoutError) Timeout() bool { return true }

// CircuitOpenError reports that nothing was sent because the worker, or the method, failed too often.
type CircuitOpenError struct {
	Code         string // CodeCircuitOpen
	FunctionName string
	RetryAt      time.Time // when the next call may go out, as a trial
	OfMethod     bool      // whether the method failed, and others can be called
}

func (e *CircuitOpenError) Error() string {
	if e.OfMethod {
		return fmt.Sprintf("'%s' was not sent: it failed again and again, so that its circuit is open; other methods can be called; the next "+
			"call may go out at %s; exempt errors that are no failure of the method with WithFailureRule",
			e.FunctionName, e.RetryAt.Format(time.RFC3339Nano))
	}
	return fmt.Sprintf("'%s' was not sent: the circuit is open after repeated failures; the next call may go out at %s",
		e.FunctionName, e.RetryAt.Format(time.RFC3339Nano))
}

// ConnectionError reports that the connection to the worker was lost or could not be made.
type ConnectionError struct {
	Code    string // CodeConnectionLost, CodeUnreachable
	Message string
	Err     error
}

func (e *ConnectionError) Error() string { return e.Message }
func (e *ConnectionError) Unwrap() error { return e.Err }

// NotRunningError reports that the worker is not started, or is stopped.
type NotRunningError struct {
	Code    string // CodeNotRunning
	Message string
	State   State
}

func (e *NotRunningError) Error() string { return e.Message }

// SerializationError reports that a value cannot be sent, or that a result does not have the wanted type.
type SerializationError struct {
	Code    string // CodeUnsendableValue, CodeLimitExceeded, CodeMessageTooLarge, CodeUnexpectedResult
	Path    string // such as args[0].callback; empty for the whole message
	Message string
}

func (e *SerializationError) Error() string { return e.Message }

// OverloadError reports that the limit of WithMaxPending is reached. Nothing was sent.
type OverloadError struct {
	Code  string // CodeOverloaded
	Limit int
}

func (e *OverloadError) Error() string {
	return fmt.Sprintf("%d calls are already waiting for this worker, which is the limit; call again later, or raise WithMaxPending", e.Limit)
}

// RegistryError reports what the service registry refused or could not do.
type RegistryError struct {
	Code      string // CodeServiceNotFound, CodeServiceExists, CodeLockTimeout, CodeRegistryUnavailable, CodeInvalidOption
	Message   string
	ServiceID string
	File      string
	PID, Port int // of the process that holds the service id, if one does
	Err       error
}

func (e *RegistryError) Error() string { return e.Message }
func (e *RegistryError) Unwrap() error { return e.Err }

// ConfigError reports that a worker cannot start with its options or environment.
type ConfigError struct {
	Code    string // CodeInvalidPort, CodeNoStartMode, CodeInvalidOption
	Message string
}

func (e *ConfigError) Error() string { return e.Message }

// serializationError turns an error of the codec into one for callers.
func serializationError(what string, err error) error {
	var value *wire.ValueError
	if !errors.As(err, &value) {
		return err
	}
	return &SerializationError{Code: value.Code, Path: value.Path, Message: fmt.Sprintf("%s cannot be sent: %s; nothing was sent", what, value)}
}

// registryError turns an error of the registry into one for callers. It returns other errors unchanged.
func registryError(err error) error {
	var e *registry.Error
	if !errors.As(err, &e) {
		return err
	}
	return &RegistryError{
		Code: e.Code, Message: e.Message, ServiceID: e.ServiceID, File: e.File, PID: e.PID, Port: e.Port, Err: e.Err,
	}
}

// stderrOf is the last part of a message: what the process wrote to stderr.
func stderrOf(exit Exit) string {
	if exit.StderrTail == "" {
		return "; it wrote nothing to stderr"
	}
	return "; its stderr ends with:\n" + exit.StderrTail
}
