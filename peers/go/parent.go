package multifrost

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/multifrost/multifrost-go/internal/health"
	"github.com/multifrost/multifrost-go/internal/link"
	"github.com/multifrost/multifrost-go/internal/registry"
	"github.com/multifrost/multifrost-go/internal/wire"
)

// maxCircuitReset is the longest time until a trial call.
const maxCircuitReset = 30 * time.Second

// ParentWorker is the parent of one worker: it makes calls, watches the worker, and restarts or reconnects to it. Its
// methods may be called from any goroutine.
type ParentWorker struct {
	name      string
	script    string // spawn mode
	serviceID string // connect mode
	services  *registry.Registry
	config    parentConfig
	codec     *wire.Codec
	log       *slog.Logger
	breaker   *health.Breaker
	methods   health.Methods
	counters  counters
	budget    health.Budget
	backoff   health.Backoff
	lines     *lineQueue

	closing   context.Context // done when Stop begins
	beginStop context.CancelFunc
	stopped   chan struct{} // closed when Stop is done
	stopOnce  sync.Once
	inside    sync.WaitGroup // goroutines of sessions

	mu      sync.Mutex
	state   State
	session *session
	link    *link.Link
	leaving *link.Link    // a link whose worker refuses calls because it is stopping
	changed chan struct{} // closed and replaced whenever state or link change
	exit    *Exit         // in StateExited: how the process ended
	pending map[string]*pendingCall
	beats   map[string]*beat
}

// Spawn returns a parent that starts its worker: a script, run by the program for its extension (.js, .ts, .py, .go), or
// a program. Nothing runs until Start.
func Spawn(scriptPath string, options ...Option) *ParentWorker {
	p := newParent(filepath.Base(scriptPath), options)
	p.script = scriptPath
	return p
}

// Connect returns a parent of a service that already runs. It waits until the service is registered, for up to 5 s (see
// WithDiscoverTimeout). Start makes the connection. The error is a *RegistryError, or that of ctx.
func Connect(ctx context.Context, serviceID string, options ...Option) (*ParentWorker, error) {
	p := newParent(serviceID, options)
	p.serviceID = serviceID
	services, err := registry.Open(func(message string) { p.log.Warn(message) })
	if err == nil {
		_, err = services.Discover(ctx, serviceID, p.config.discoverTimeout)
	}
	if err != nil {
		return nil, registryError(err)
	}
	p.services = services
	return p, nil
}

func newParent(name string, options []Option) *ParentWorker {
	config := defaultParentConfig()
	for _, option := range options {
		option.applyParent(&config)
	}
	threshold := config.circuitThreshold
	if threshold <= 0 {
		threshold = max(config.maxRestartAttempts, 1)
	}
	newBreaker := func() *health.Breaker { return health.NewBreaker(threshold, config.circuitReset, maxCircuitReset) }
	p := &ParentWorker{
		name:    name,
		config:  config,
		codec:   wire.NewCodec(config.app, config.limits),
		log:     config.logger,
		breaker: newBreaker(),
		methods: health.Methods{New: newBreaker},
		budget:  health.Budget{Max: config.maxRestartAttempts, Window: config.restartWindow},
		backoff: health.Backoff{Base: config.restartBackoff, Max: 5 * time.Second},
		stopped: make(chan struct{}),
		state:   StateIdle,
		changed: make(chan struct{}),
		pending: map[string]*pendingCall{},
		beats:   map[string]*beat{},
	}
	if p.log == nil {
		p.log = quietLogger(os.Stderr)
	}
	p.lines = newLineQueue(p.handleLine)
	p.closing, p.beginStop = context.WithCancel(context.Background())
	return p
}

// Start starts the worker's process, or finds the service, connects, and waits for the answer to a heartbeat. The error is
// a *SpawnError, *ConnectionError, *RegistryError or *NotRunningError, or that of ctx. After an error, Start may be called
// again, unless Stop was called.
func (p *ParentWorker) Start(ctx context.Context) error {
	p.mu.Lock()
	if p.state != StateIdle {
		defer p.mu.Unlock()
		return &NotRunningError{Code: CodeNotRunning, State: p.state,
			Message: fmt.Sprintf("cannot start %s: it is %s; call Start only once", p.name, p.state)}
	}
	p.setState(StateStarting)
	p.mu.Unlock()
	s, err := p.open(ctx)
	if err != nil {
		p.mu.Lock()
		if p.state == StateStarting {
			p.setState(StateIdle)
		}
		p.mu.Unlock()
		return err
	}
	return p.adopt(s)
}

// Stop refuses new calls, lets those in flight finish (see WithStopTimeout), and ends the process of a spawned worker: by a
// shutdown message, SIGTERM after 1 s, SIGKILL after another 2 s. A service goes on running. Stop may be called at any
// time, and more than once. When ctx is done, Stop does not wait for calls any longer and returns the error of ctx.
func (p *ParentWorker) Stop(ctx context.Context) error {
	p.stopOnce.Do(func() { go p.stop(ctx) })
	<-p.stopped
	return ctx.Err()
}

// Close calls Stop without a deadline.
func (p *ParentWorker) Close() error { return p.Stop(context.Background()) }

// State returns what the parent is doing.
func (p *ParentWorker) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

// PID returns the process id of a spawned worker, or 0 if there is none.
func (p *ParentWorker) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.session == nil || p.session.process == nil {
		return 0
	}
	return p.session.process.cmd.Process.Pid
}

// IsHealthy reports whether the worker is connected and answers heartbeats, and its circuit is closed.
func (p *ParentWorker) IsHealthy() bool {
	return p.State() == StateRunning && p.breaker.State() == CircuitClosed
}

// CircuitOpen reports whether the circuit breaker of the worker refuses calls.
func (p *ParentWorker) CircuitOpen() bool { return p.breaker.State() == CircuitOpen }

// CircuitState returns the state of the circuit breaker of the worker. Those of methods that fail do not change it.
func (p *ParentWorker) CircuitState() CircuitState { return p.breaker.State() }

// ResetCircuit closes the circuit breaker, and those of methods.
func (p *ParentWorker) ResetCircuit() {
	p.breaker.Close()
	p.methods.Close()
}

// LastHeartbeatRTT returns the round trip of the last answered heartbeat, or 0 before the first.
func (p *ParentWorker) LastHeartbeatRTT() time.Duration {
	return p.counters.snapshot().HeartbeatRTTLast
}

// Metrics returns the measurements at this moment.
func (p *ParentWorker) Metrics() Metrics {
	m := p.counters.snapshot()
	m.Latency = p.counters.window.Summary()
	m.CircuitTrips, m.CircuitResets = p.breaker.Counts()
	trips, resets := p.methods.Counts()
	m.CircuitTrips, m.CircuitResets = m.CircuitTrips+trips, m.CircuitResets+resets
	m.CircuitState = p.breaker.State()
	p.mu.Lock()
	defer p.mu.Unlock()
	m.QueueDepth = len(p.pending)
	return m
}

// setState must be called with mu held.
func (p *ParentWorker) setState(state State) {
	p.state = state
	p.notifyChange()
}

// notifyChange must be called with mu held.
func (p *ParentWorker) notifyChange() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// handleLine passes a line of output to its handler.
func (p *ParentWorker) handleLine(stream, line string) {
	switch {
	case stream == wire.Stdout && p.config.stdout != nil:
		p.config.stdout(line)
	case stream == wire.Stderr && p.config.stderr != nil:
		p.config.stderr(line)
	case stream == wire.Stdout:
		fmt.Fprintf(os.Stdout, "[%s STDOUT]: %s\n", p.name, line)
	default:
		fmt.Fprintf(os.Stderr, "[%s STDERR]: %s\n", p.name, line)
	}
}
