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
	// cancelGrace is how long methods may take to return after their context is cancelled at the end.
	cancelGrace = 250 * time.Millisecond
)

// Worker answers calls with the exported methods of a value.
type Worker struct {
	target any
	config workerConfig
}

// NewWorker returns a worker that answers calls with target's exported methods, by their names. A method may take a
// context.Context first, which is cancelled when the worker ends, and returns nothing, T, error or (T, error). Each call
// runs in a separate goroutine, so methods must be safe for concurrent use, unless WithMaxConcurrency is 1.
//
// Without WithServiceID, a parent must spawn the worker.
func NewWorker(target any, options ...WorkerOption) *Worker {
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
	port, spawned, err := spawnedPort(os.LookupEnv)
	switch {
	case err != nil:
		return err
	case spawned:
		return life.serveSpawned(ctx, port, ownsProcess)
	case w.config.serviceID != "":
		return life.serveService(ctx, ownsProcess)
	}
	return &ConfigError{Code: CodeNoStartMode, Message: fmt.Sprintf("the worker has neither %s in its environment nor a service id; "+
		"start it from a parent with Spawn, or make it a service: NewWorker(target, WithServiceID(\"my-service\"))", wire.PortVariable)}
}

var portPattern = regexp.MustCompile(`^\d{4,5}$`)

// spawnedPort returns the port that a parent has set.
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
			"from 1024 to 65535; the parent sets it when it spawns a worker: unset it to run this one as a service", wire.PortVariable, text)}
	}
	return port, true, nil
}

func (c *workerConfig) log(to *os.File) *slog.Logger {
	if c.logger != nil {
		return c.logger
	}
	return quietLogger(to)
}
