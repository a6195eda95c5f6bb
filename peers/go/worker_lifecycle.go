package multifrost

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/multifrost/multifrost-go/internal/link"
	"github.com/multifrost/multifrost-go/internal/registry"
	"github.com/multifrost/multifrost-go/internal/wire"
)

const (
	// connectTimeout is how long a spawned worker tries to reach its parent at the start.
	connectTimeout = 5 * time.Second
	// reconnectTimeout is how long it tries after the connection was lost. A live parent accepts at once.
	reconnectTimeout = time.Second
	// redialEvery is the pause between two tries.
	redialEvery = 50 * time.Millisecond
	// lookEvery is how often a spawned worker checks that its parent's process still runs.
	lookEvery = 250 * time.Millisecond
)

// workerLifecycle runs a worker from start to end.
type workerLifecycle struct {
	config   workerConfig
	table    *methodTable
	codec    *wire.Codec
	calls    *runner
	log      *slog.Logger
	methods  context.Context // passed to methods
	cancel   context.CancelFunc
	shutdown func() // ends the worker, as the parent asks

	mu      sync.Mutex
	peers   map[*link.Link]struct{} // links on which a message has arrived
	dropped int
}

func newWorkerLifecycle(config workerConfig, table *methodTable) *workerLifecycle {
	w := &workerLifecycle{
		config: config,
		table:  table,
		codec:  wire.NewCodec(config.app, config.limits),
		calls:  &runner{maxRunning: config.maxConcurrency, maxPending: config.maxPending},
		log:    config.log(os.Stderr),
		peers:  map[*link.Link]struct{}{},
	}
	w.methods, w.cancel = context.WithCancel(context.Background())
	return w
}

func (w *workerLifecycle) linkConfig() link.Config {
	return link.Config{Socket: link.Router, MaxMessage: w.codec.Limits.MessageBytes, Events: link.Events{
		Up:      func(*link.Link) bool { return true },
		Receive: w.receive,
		Dropped: func(*link.Link) { w.drop("a message has no envelope") },
		Down:    func(l *link.Link, _ error) { w.forget(l) },
	}}
}

// serveService listens, registers the service, and serves until ctx is done.
func (w *workerLifecycle) serveService(ctx context.Context, ownsProcess bool) error {
	ctx, w.shutdown = context.WithCancel(ctx)
	defer w.shutdown()
	defer w.cancel()
	restore := w.forwardOutput(ownsProcess, true)
	defer func() { restore() }()
	listener, err := link.Listen(w.config.host, w.linkConfig(), false)
	if err != nil {
		return &ConnectionError{Code: CodeUnreachable, Message: fmt.Sprintf("the service '%s' %v", w.config.serviceID, err), Err: err}
	}
	defer listener.Close()
	services, err := registry.Open(func(message string) { w.log.Warn(message) })
	if err == nil {
		err = services.Register(ctx, w.config.serviceID, listener.Port())
	}
	if err != nil && ctx.Err() != nil {
		return nil // ended before it was registered
	}
	if err != nil {
		return registryError(err)
	}
	<-ctx.Done()
	// Unregister at once, while the last calls finish, so that parents do not find a service that refuses calls.
	withdrawn := make(chan error, 1)
	go func() { withdrawn <- services.Unregister(context.Background(), w.config.serviceID) }()
	w.calls.drain(w.config.stopTimeout, w.cancel)
	if err := <-withdrawn; err != nil {
		w.log.Warn("cannot unregister the service", "error", err)
	}
	restore() // while parents are still connected
	restore = func() {}
	return nil
}

// serveSpawned connects to the parent and ends with it.
func (w *workerLifecycle) serveSpawned(ctx context.Context, port int, ownsProcess bool) error {
	parent := os.Getppid()
	ctx, w.shutdown = context.WithCancel(ctx)
	defer w.shutdown()
	defer w.cancel()
	restore := w.forwardOutput(ownsProcess, false)
	first, err := w.dial(ctx, port, parent, connectTimeout)
	if err != nil {
		restore()
		if ctx.Err() != nil {
			return nil // ended before it was connected
		}
		return &ConnectionError{Code: CodeUnreachable, Err: err, Message: fmt.Sprintf("no parent could be reached on port %d (%s) within %v: %v; "+
			"the parent sets it when it spawns a worker: unset it to run this one as a service", port, wire.PortVariable, connectTimeout, err)}
	}
	// The parent is watched until the last call is answered.
	watching, stopWatching := context.WithCancel(context.Background())
	defer stopWatching()
	orphaned := make(chan struct{})
	last := make(chan *link.Link, 1)
	go func() { last <- w.keepParent(watching, first, port, parent, orphaned) }()
	drained := make(chan struct{})
	go func() {
		<-ctx.Done()
		w.calls.drain(w.config.stopTimeout, w.cancel)
		close(drained)
	}()
	select {
	case <-drained:
	case <-orphaned: // there is no parent left to answer
		restore()
		return nil
	}
	restore()
	stopWatching()
	if l := <-last; l != nil {
		l.Close()
	}
	return nil
}

// dial tries to connect until it succeeds, limit has passed, or the parent's process has ended.
func (w *workerLifecycle) dial(ctx context.Context, port, parent int, limit time.Duration) (*link.Link, error) {
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		l, err := link.Dial(within, loopback, port, w.linkConfig())
		if err == nil {
			return l, nil
		}
		if os.Getppid() != parent {
			return nil, err
		}
		select {
		case <-within.Done():
			return nil, err
		case <-time.After(redialEvery):
		}
	}
}

// keepParent watches the parent's process and the connection, and connects again if the parent still runs. It returns the
// current link when ctx is done, and closes orphaned when the parent has ended.
func (w *workerLifecycle) keepParent(ctx context.Context, current *link.Link, port, parent int, orphaned chan struct{}) *link.Link {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return current
		case <-look.C:
			if os.Getppid() != parent {
				close(orphaned)
				return current
			}
		case <-current.Gone():
			next, err := w.dial(ctx, port, parent, reconnectTimeout)
			if err != nil {
				if ctx.Err() == nil {
					close(orphaned)
				}
				return nil
			}
			current = next
		}
	}
}

// seen adds a link to the parents that get output.
func (w *workerLifecycle) seen(l *link.Link) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.peers[l] = struct{}{}
}

func (w *workerLifecycle) forget(l *link.Link) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.peers, l)
}

func (w *workerLifecycle) parents() []*link.Link {
	w.mu.Lock()
	defer w.mu.Unlock()
	peers := make([]*link.Link, 0, len(w.peers))
	for l := range w.peers {
		peers = append(peers, l)
	}
	return peers
}

// drop logs why a message is dropped, for the first ten messages.
func (w *workerLifecycle) drop(why string) {
	const maxLogged = 10
	w.mu.Lock()
	w.dropped++
	count := w.dropped
	w.mu.Unlock()
	if count <= maxLogged {
		w.log.Warn("dropped a message", "reason", why, "dropped", count)
	}
}
