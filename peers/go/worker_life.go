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
	// neverThereAfter is how long a spawned worker tries to reach its parent at first.
	neverThereAfter = 5 * time.Second
	// goneAfter is how long it tries when the connection broke: a parent that lives takes it at once.
	goneAfter = time.Second
	// redialEvery is the pause between two tries.
	redialEvery = 50 * time.Millisecond
	// lookEvery is how often a spawned worker looks whether its parent's process is still there.
	lookEvery = 250 * time.Millisecond
)

// workerLife is a worker from start to end.
type workerLife struct {
	config   workerConfig
	table    *methodTable
	codec    *wire.Codec
	calls    *runner
	log      *slog.Logger
	methods  context.Context // what methods get
	cancel   context.CancelFunc
	shutdown func() // the parent asks for the end

	mu      sync.Mutex
	peers   map[*link.Link]struct{} // those that have sent something
	dropped int
}

func newWorkerLife(config workerConfig, table *methodTable) *workerLife {
	w := &workerLife{
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

func (w *workerLife) linkConfig() link.Config {
	return link.Config{Socket: link.Router, MaxMessage: w.codec.Limits.MessageBytes, Events: link.Events{
		Up:      func(*link.Link) bool { return true },
		Receive: w.receive,
		Dropped: func(*link.Link) { w.drop("A message without an envelope was dropped.") },
		Down:    func(l *link.Link, _ error) { w.forget(l) },
	}}
}

// serveService listens, then says so in the registry: bind first, then publish.
func (w *workerLife) serveService(ctx context.Context, ownsProcess bool) error {
	ctx, w.shutdown = context.WithCancel(ctx)
	defer w.shutdown()
	defer w.cancel()
	restore := w.forwardOutput(ownsProcess, true)
	defer func() { restore() }()
	listener, err := link.Listen(w.config.host, w.linkConfig(), false)
	if err != nil {
		return &ConnectionError{Code: CodeUnreachable, Message: fmt.Sprintf("The service '%s' %v.", w.config.serviceID, err), Err: err}
	}
	defer listener.Close()
	services, err := registry.Open(func(message string) { w.log.Warn(message) })
	if err == nil {
		err = services.Register(ctx, w.config.serviceID, listener.Port())
	}
	if err != nil && ctx.Err() != nil {
		return nil // told to end before it was registered
	}
	if err != nil {
		return registryError(err)
	}
	<-ctx.Done()
	// Withdrawn at once, so that nobody finds a service that takes no more calls, and while the last ones finish.
	withdrawn := make(chan error, 1)
	go func() { withdrawn <- services.Unregister(context.Background(), w.config.serviceID) }()
	w.calls.drain(w.config.stopTimeout, w.cancel)
	if err := <-withdrawn; err != nil {
		w.log.Warn("The service could not be unregistered.", "error", err)
	}
	restore() // while there is somebody to forward to
	restore = func() {}
	return nil
}

// serveSpawned connects to the parent and ends with it.
func (w *workerLife) serveSpawned(ctx context.Context, port int, ownsProcess bool) error {
	parent := os.Getppid()
	ctx, w.shutdown = context.WithCancel(ctx)
	defer w.shutdown()
	defer w.cancel()
	restore := w.forwardOutput(ownsProcess, false)
	first, err := w.dial(ctx, port, parent, neverThereAfter)
	if err != nil {
		restore()
		if ctx.Err() != nil {
			return nil // told to end before there was a parent
		}
		return &ConnectionError{Code: CodeUnreachable, Err: err, Message: fmt.Sprintf("No parent could be reached at port %d (%s) within %v: %v. "+
			"The parent sets it when it spawns a worker; unset it to run this one as a service.", port, wire.PortVariable, neverThereAfter, err)}
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
	case <-orphaned: // nobody is left to answer
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

// dial tries until it is connected, limit is over, or the parent's process is not there any more.
func (w *workerLife) dial(ctx context.Context, port, parent int, limit time.Duration) (*link.Link, error) {
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

// keepParent watches the parent's process and the connection, which it makes again where the parent lives. It returns
// the link that there is when ctx is done, and closes orphaned when the parent is gone.
func (w *workerLife) keepParent(ctx context.Context, current *link.Link, port, parent int, orphaned chan struct{}) *link.Link {
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
			next, err := w.dial(ctx, port, parent, goneAfter)
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

func (w *workerLife) seen(l *link.Link) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.peers[l] = struct{}{}
}

func (w *workerLife) forget(l *link.Link) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.peers, l)
}

func (w *workerLife) parents() []*link.Link {
	w.mu.Lock()
	defer w.mu.Unlock()
	peers := make([]*link.Link, 0, len(w.peers))
	for l := range w.peers {
		peers = append(peers, l)
	}
	return peers
}

// drop tells of the first few broken messages; more would only fill a log.
func (w *workerLife) drop(why string) {
	const told = 10
	w.mu.Lock()
	w.dropped++
	count := w.dropped
	w.mu.Unlock()
	if count <= told {
		w.log.Warn(why, "dropped", count)
	}
}
