package multifrost

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

const (
	loopback = "127.0.0.1"
	// cancelGrace is how long methods may take to return after their context is cancelled at the end.
	cancelGrace = 250 * time.Millisecond
)

// Worker answers calls with the exported methods of a value.
type Worker struct {
	target any
	config workerConfig
}

// NewWorker returns a worker that answers calls with target's exported methods, by their names. A method may take a
// context.Context first, which is cancelled when the worker ends, and returns nothing, T, error or (T, error). Calls run at
// the same time, in several goroutines, so methods must be safe for concurrent use, unless WithMaxConcurrency is 1.
//
// Without WithServiceID, a parent must spawn the worker. NewWorker removes from the environment what the parent set there, so
// that no process that this one starts can be taken for the worker: call it before the program starts others.
func NewWorker(target any, options ...WorkerOption) *Worker {
	takeSpawnVariables()
	w := &Worker{target: target, config: defaultWorkerConfig()}
	for _, option := range options {
		option.applyWorker(&w.config)
	}
	return w
}

// ListFunctions returns the names that can be called, sorted. It returns nil if target has no methods to call.
func (w *Worker) ListFunctions() []string {
	table, err := newMethodTable(w.target, w.config.lowerCamel)
	if err != nil {
		return nil
	}
	return table.names
}

// Run serves until the parent sends shutdown or ends, or the process receives SIGINT or SIGTERM. A second signal ends the
// process at once. Run forwards what the process writes to stdout and stderr to the parents, line by line. If the worker
// cannot start, Run prints the reason to stderr in one line and exits with code 1. Call it last in main: calls that are
// still running when it returns end with the process.
func (w *Worker) Run() {
	ctx, stop := endBySignals()
	defer stop()
	if err := w.serve(ctx, true); err != nil {
		fmt.Fprintf(os.Stderr, "multifrost: %s\n", strings.ReplaceAll(err.Error(), "\n", " "))
		os.Exit(1)
	}
}

// Serve serves until ctx is done, or the parent sends shutdown or ends. Unlike Run, it leaves signals and output alone.
// It returns nil at the end, and a *ConfigError, *ConnectionError or *RegistryError if the worker cannot start.
func (w *Worker) Serve(ctx context.Context) error { return w.serve(ctx, false) }

// endBySignals returns a context that the first signal cancels. The second signal ends the process.
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
	life := newWorkerLifecycle(w.config, table)
	parent, err := claimParent()
	switch {
	case err != nil:
		return err
	case parent != nil:
		return life.serveSpawned(ctx, parent, ownsProcess)
	case w.config.serviceID != "":
		return life.serveService(ctx, ownsProcess)
	}
	return noStartMode()
}

func (c *workerConfig) log(to *os.File) *slog.Logger {
	if c.logger != nil {
		return c.logger
	}
	return quietLogger(to)
}
