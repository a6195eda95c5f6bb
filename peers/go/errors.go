package multifrost

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/multifrost/multifrost-go/internal/registry"
	"github.com/multifrost/multifrost-go/internal/wire"
)

// Codes of errors: stable, and the same in every language.
const (
	CodeRemoteError         = "REMOTE_ERROR"
	CodeFunctionNotFound    = "FUNCTION_NOT_FOUND"
	CodeNotCallable         = "NOT_CALLABLE"
	CodePrivateMethod       = "PRIVATE_METHOD"
	CodeMissingFunction     = "MISSING_FUNCTION"
	CodeWrongNamespace      = "WRONG_NAMESPACE"
	CodeOverloaded          = "OVERLOADED"
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

// RemoteCallError says that the worker ran the method and it failed, or that it refused the call: Code tells which.
type RemoteCallError struct {
	Code          string // CodeRemoteError, or the code of a refusal
	FunctionName  string
	RemoteName    string // the error's type in the worker, such as Python's ValueError
	RemoteMessage string
	RemoteStack   string // the worker's stack or traceback, where it sent one
	RemoteCode    string // the error's own code, where it had one
}

func (e *RemoteCallError) Error() string {
	return fmt.Sprintf("'%s' failed in the worker: %s: %s", e.FunctionName, e.RemoteName, e.RemoteMessage)
}

// Exit is how a worker's process ended.
type Exit struct {
	ExitCode   int    // -1 when a signal ended it, or it never ran
	Signal     string // such as "killed"; empty when it exited by itself
	StderrTail string // the last 4 KiB that it wrote to stderr outside of the connection
	Command    string
}

func (e Exit) String() string {
	if e.Signal != "" {
		return "signal: " + e.Signal
	}
	return fmt.Sprintf("exit code %d", e.ExitCode)
}

// WorkerExitedError says that the worker's process ended before it answered, or before the call was made.
type WorkerExitedError struct {
	Code         string // CodeWorkerExited
	FunctionName string
	Exit
}

func (e *WorkerExitedError) Error() string {
	return fmt.Sprintf("'%s' got no answer: the worker ended (%s): %s\n"+
		"Make a new one, or have it restarted with WithAutoRestart. %s", e.FunctionName, e.Exit, e.Command, stderrOf(e.Exit))
}

// SpawnError says that a worker's process could not be started, or not in time.
type SpawnError struct {
	Code    string // CodeProgramNotFound, CodeScriptNotFound, CodeExitedEarly, CodeStartTimeout, CodeSpawnFailed
	Message string
	Exit
	Err error
}

func (e *SpawnError) Error() string { return e.Message }
func (e *SpawnError) Unwrap() error { return e.Err }

// TimeoutError says that no answer came in time; the method may still be running. It is a context.DeadlineExceeded.
type TimeoutError struct {
	Code         string // CodeTimeout
	FunctionName string
	After        time.Duration
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("'%s' was not answered within %v. The worker may still be running it; "+
		"allow more time, or look at what it does.", e.FunctionName, e.After.Round(time.Millisecond))
}

// Unwrap gives context.DeadlineExceeded.
func (e *TimeoutError) Unwrap() error { return context.DeadlineExceeded }

// Timeout is true, as net.Error has it.
func (e *TimeoutError) Timeout() bool { return true }

// CircuitOpenError says that nothing was sent, as the worker failed too often.
type CircuitOpenError struct {
	Code         string // CodeCircuitOpen
	FunctionName string
	RetryAt      time.Time // when the next trial call is let through
}

func (e *CircuitOpenError) Error() string {
	return fmt.Sprintf("'%s' was not sent: the circuit is open after repeated failures. The next call is let through at %s.",
		e.FunctionName, e.RetryAt.Format(time.RFC3339Nano))
}

// ConnectionError says that the way to the worker is lost or was never there.
type ConnectionError struct {
	Code    string // CodeConnectionLost, CodeUnreachable
	Message string
	Err     error
}

func (e *ConnectionError) Error() string { return e.Message }
func (e *ConnectionError) Unwrap() error { return e.Err }

// NotRunningError says that the worker is not started, is stopped, or has been given up.
type NotRunningError struct {
	Code    string // CodeNotRunning
	Message string
	State   State
}

func (e *NotRunningError) Error() string { return e.Message }

// SerializationError says that a value cannot be sent, or that a result is not of the wanted type.
type SerializationError struct {
	Code    string // CodeUnsendableValue, CodeLimitExceeded, CodeMessageTooLarge, CodeUnexpectedResult
	Path    string // such as args[0].callback; empty for the message as a whole
	Message string
}

func (e *SerializationError) Error() string { return e.Message }

// OverloadError says that as many calls as may wait are waiting; nothing was sent.
type OverloadError struct {
	Code  string // CodeOverloaded
	Limit int
}

func (e *OverloadError) Error() string {
	return fmt.Sprintf("%d calls are waiting for this worker, as many as may. Call again later, or raise WithMaxPending.", e.Limit)
}

// RegistryError says what the service registry refused or could not do.
type RegistryError struct {
	Code      string // CodeServiceNotFound, CodeServiceExists, CodeLockTimeout, CodeRegistryUnavailable, CodeInvalidOption
	Message   string
	ServiceID string
	File      string
	PID, Port int // of the process that holds the service id, where one does
	Err       error
}

func (e *RegistryError) Error() string { return e.Message }
func (e *RegistryError) Unwrap() error { return e.Err }

// ConfigError says that a worker cannot start as it is set up.
type ConfigError struct {
	Code    string // CodeInvalidPort, CodeNoStartMode, CodeInvalidOption
	Message string
}

func (e *ConfigError) Error() string { return e.Message }

// serializationError makes an error of a caller's from one of the wire's.
func serializationError(what string, err error) error {
	var value *wire.ValueError
	if !errors.As(err, &value) {
		return err
	}
	return &SerializationError{Code: value.Code, Path: value.Path, Message: fmt.Sprintf("%s cannot be sent: %s. Nothing was sent.", what, value)}
}

// registryError makes an error of a caller's from one of the registry's; others pass.
func registryError(err error) error {
	var e *registry.Error
	if !errors.As(err, &e) {
		return err
	}
	return &RegistryError{
		Code: e.Code, Message: e.Message, ServiceID: e.ServiceID, File: e.File, PID: e.PID, Port: e.Port, Err: e.Err,
	}
}

func stderrOf(exit Exit) string {
	if exit.StderrTail == "" {
		return "It wrote nothing to stderr."
	}
	return "The last it wrote to stderr:\n" + exit.StderrTail
}
