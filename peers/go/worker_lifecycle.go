package multifrost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/multifrost/multifrost-go/internal/link"
	"github.com/multifrost/multifrost-go/internal/registry"
	"github.com/multifrost/multifrost-go/internal/wire"
	"github.com/multifrost/multifrost-go/internal/zmtp"
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
	// isSpawned says whether the only parent is the one that started this process.
	isSpawned bool
	// isAsked says whether the parent asked for the end, and so makes no more calls.
	isAsked atomic.Bool
	// isCalled says whether a call has arrived.
	isCalled atomic.Bool

	mu      sync.Mutex
	peers   map[*link.Link]struct{} // links on which a message has arrived
	dropped int
}

func newWorkerLifecycle(config workerConfig, table *methodTable) *workerLifecycle {
	w := &workerLifecycle{
		config: config,
		table:  table,
		codec:  wire.NewCodec(config.app, config.limits),
		log:    config.log(os.Stderr),
		peers:  map[*link.Link]struct{}{},
	}
	w.calls = &runner{maxRunning: config.maxConcurrency, maxPending: config.maxPending,
		share: func() int { return config.maxPending / max(1, len(w.parents())) }}
	w.methods, w.cancel = context.WithCancel(context.Background())
	return w
}

func (w *workerLifecycle) linkConfig() link.Config {
	return link.Config{Socket: zmtp.Router, MaxMessage: w.codec.Limits.MessageBytes, Events: link.Events{
		Up:      func(*link.Link) bool { return true },
		Receive: w.receive,
		Dropped: func(*link.Link) { w.drop("a message has no envelope, or is too large") },
		Down: func(l *link.Link, err error) {
			w.forget(l)
			if errors.Is(err, link.ErrNoRoom) {
				w.log.Warn("ended the connection of a parent", "reason", err)
			}
		},
		Refused: func(reason string) { w.log.Info("closed a connection", "reason", reason) },
	}}
}

// serveService listens, registers the service, and serves until ctx is done.
func (w *workerLifecycle) serveService(ctx context.Context, ownsProcess bool) error {
	ctx, w.shutdown = context.WithCancel(ctx)
	defer w.shutdown()
	defer w.cancel()
	restore := w.forwardOutput(ownsProcess, true)
	defer func() { restore() }()
	listener, err := link.Listen(w.config.host, w.linkConfig(), link.NewBudget(w.config.maxPendingBytes))
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
func (w *workerLifecycle) serveSpawned(ctx context.Context, parent *parentAddress, ownsProcess bool) error {
	parentPID := os.Getppid()
	w.isSpawned = true
	ctx, w.shutdown = context.WithCancel(ctx)
	defer w.shutdown()
	defer w.cancel()
	restore := w.forwardOutput(ownsProcess, false)
	first, err := w.dial(ctx, parent, parentPID, connectTimeout)
	if err != nil {
		restore()
		if ctx.Err() != nil {
			return nil // ended before it was connected
		}
		return &ConnectionError{Code: CodeUnreachable, Err: err, Message: fmt.Sprintf("no parent could be reached on port %s (%s) within %v: %v; "+
			"the parent sets it when it spawns a worker: unset it to run this one as a service", parent.port, wire.PortVariable, connectTimeout, err)}
	}
	// The parent is watched until the last call is answered.
	watching, stopWatching := context.WithCancel(context.Background())
	defer stopWatching()
	orphaned := make(chan struct{})
	last := make(chan *link.Link, 1)
	go func() { last <- w.keepParent(watching, first, parent, parentPID, orphaned) }()
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
	switch l := <-last; {
	case l == nil:
	case w.isAsked.Load():
		l.Close()
	default: // its calls are refused until it knows
		l.CloseGently()
	}
	return nil
}

// dial tries to connect until it succeeds, limit has passed, the parent refuses, or its process has ended.
func (w *workerLifecycle) dial(ctx context.Context, parent *parentAddress, parentPID int, limit time.Duration) (*link.Link, error) {
	config := w.linkConfig()
	config.SkipTooLarge = true // without its only connection the worker would end
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		l, err := parent.dial(within, config)
		if err == nil {
			return l, nil
		}
		var refused *zmtp.RefusedError
		if os.Getppid() != parentPID || errors.As(err, &refused) {
			return nil, err
		}
		select {
		case <-within.Done():
			return nil, err
		case <-time.After(redialEvery):
		}
	}
}

// redial connects again. Before the first call it tries for connectTimeout as long as the parent listens, which may have many
// strangers to refuse before it finds its worker.
func (w *workerLifecycle) redial(ctx context.Context, parent *parentAddress, parentPID int) (*link.Link, error) {
	for until := time.Now().Add(connectTimeout); ; {
		time.Sleep(redialEvery) // the parent may end each connection at once
		l, err := w.dial(ctx, parent, parentPID, reconnectTimeout)
		if err == nil || w.isCalled.Load() || errors.Is(err, syscall.ECONNREFUSED) || ctx.Err() != nil || time.Now().After(until) {
			return l, err
		}
	}
}

// keepParent watches the parent's process and the connection. A private connection is not made again; that to an older parent is,
// while the parent still runs. It returns the current link when ctx is done, and closes orphaned when the parent has ended.
func (w *workerLifecycle) keepParent(
	ctx context.Context, current *link.Link, parent *parentAddress, parentPID int, orphaned chan struct{},
) *link.Link {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return current
		case <-look.C:
			if os.Getppid() != parentPID {
				close(orphaned)
				return current
			}
		case <-current.Gone():
			if parent.isPrivate() {
				close(orphaned)
				return nil
			}
			next, err := w.redial(ctx, parent, parentPID)
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
