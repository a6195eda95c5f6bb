package multifrost

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/multifrost/multifrost-go/internal/wire"
)

const (
	loopback = "127.0.0.1"
	// cancelGrace is how long methods may take to return when their context is cancelled at the end.
	cancelGrace = 250 * time.Millisecond
)

// Worker answers calls with the methods of a value of the user's.
type Worker struct {
	target any
	config workerConfig
}

// NewWorker makes a worker of target's exported methods, which then can be called by their names. A method may take a
// context.Context first, which is cancelled when the worker ends, and returns nothing, T, error or (T, error). Each call
// runs in a goroutine of its own, so methods must be safe for concurrent use (or see WithMaxConcurrency).
//
// Without WithServiceID the worker expects to be started by a parent.
func NewWorker(target any, options ...WorkerOption) *Worker {
	w := &Worker{target: target, config: defaultWorkerConfig()}
	for _, option := range options {
		option.applyWorker(&w.config)
	}
	return w
}

// ListFunctions gives the names that can be called, sorted; nil where Run would fail.
func (w *Worker) ListFunctions() []string {
	table, err := newMethodTable(w.target, w.config.lowerCamel)
	if err != nil {
		return nil
	}
	return table.names
}

// Run serves until the parent sends shutdown or is gone, or SIGINT or SIGTERM comes; a second signal ends the process at
// once. What the process writes to its stdout and stderr goes to the parents line by line. Where the worker cannot
// start, Run says why in one line on stderr and ends the process with exit code 1. It is meant to be the last thing
// that main does; calls that are still running when it returns end with the process.
func (w *Worker) Run() {
	ctx, stop := endBySignals()
	defer stop()
	if err := w.serve(ctx, true); err != nil {
		fmt.Fprintf(os.Stderr, "multifrost: %s\n", strings.ReplaceAll(err.Error(), "\n", " "))
		os.Exit(1)
	}
}

// Serve is Run without a process of its own: it serves until ctx is done, the parent sends shutdown or is gone, and
// touches neither signals nor output. It returns nil at the end, and an error where it cannot start: *ConfigError,
// *ConnectionError, *RegistryError.
func (w *Worker) Serve(ctx context.Context) error { return w.serve(ctx, false) }

// endBySignals gives a context that the first signal ends. The second ends the process.
func endBySignals() (context.Context, func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		select {
		case <-signals:
			cancel()
		case <-done:
			return
		}
		select {
		case second := <-signals:
			os.Exit(128 + int(second.(syscall.Signal)))
		case <-done:
		}
	}()
	return ctx, func() { signal.Stop(signals); close(done); cancel() }
}

func (w *Worker) serve(ctx context.Context, ownsProcess bool) error {
	table, err := newMethodTable(w.target, w.config.lowerCamel)
	if err != nil {
		return err
	}
	life := newWorkerLife(w.config, table)
	port, spawned, err := spawnedPort(os.LookupEnv)
	switch {
	case err != nil:
		return err
	case spawned:
		return life.serveSpawned(ctx, port, ownsProcess)
	case w.config.serviceID != "":
		return life.serveService(ctx, ownsProcess)
	}
	return &ConfigError{Code: CodeNoStartMode, Message: fmt.Sprintf("This worker has neither %s in its environment nor a service id. "+
		"Let a parent start it with Spawn, or name it as a service: NewWorker(target, WithServiceID(\"my-service\")).", wire.PortVariable)}
}

var portPattern = regexp.MustCompile(`^\d{4,5}$`)

// spawnedPort reads the port that a parent passes.
func spawnedPort(lookup func(string) (string, bool)) (port int, spawned bool, err error) {
	text, spawned := lookup(wire.PortVariable)
	if !spawned {
		return 0, false, nil
	}
	if portPattern.MatchString(strings.TrimSpace(text)) {
		port, _ = strconv.Atoi(strings.TrimSpace(text))
	}
	if port < 1024 || port > 65535 {
		return 0, true, &ConfigError{Code: CodeInvalidPort, Message: fmt.Sprintf("%s is %q, which is no port: it must be a whole number "+
			"from 1024 to 65535. The parent sets it when it spawns a worker; unset it to run this one as a service.", wire.PortVariable, text)}
	}
	return port, true, nil
}

func (c *workerConfig) log(to *os.File) *slog.Logger {
	if c.logger != nil {
		return c.logger
	}
	return quietLogger(to)
}
