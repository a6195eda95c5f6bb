package multifrost

import (
	"io"
	"log/slog"
	"time"

	"github.com/multifrost/multifrost-go/internal/wire"
)

// Limits bound a message and its parts, when writing and when reading. A field that is 0 means its default.
type Limits = wire.Limits

// WorkerOption is an option for NewWorker.
type WorkerOption interface{ applyWorker(*workerConfig) }

// Option is an option for Spawn and Connect.
type Option interface{ applyParent(*parentConfig) }

// CallOption is an option for ParentWorker.WithOptions.
type CallOption interface{ applyCall(*callConfig) }

// CommonOption is an option for workers and for parents.
type CommonOption interface {
	WorkerOption
	Option
}

// ParentCallOption is an option for Spawn and Connect, where it holds for all calls, and for WithOptions.
type ParentCallOption interface {
	Option
	CallOption
}

// AnyOption is an option for workers, parents and calls.
type AnyOption interface {
	CommonOption
	CallOption
}

type workerConfig struct {
	serviceID        string
	namespace        string
	ignoreNamespaces bool
	lowerCamel       bool
	maxConcurrency   int
	maxPending       int
	stopTimeout      time.Duration
	host             string
	maxPendingBytes  int64

	allowRemoteShutdown bool

	app    string
	limits Limits
	logger *slog.Logger
}

func defaultWorkerConfig() workerConfig {
	return workerConfig{
		namespace:       wire.DefaultNamespace,
		maxPending:      250_000,
		stopTimeout:     5 * time.Second,
		host:            loopback,
		maxPendingBytes: 512 << 20,
	}
}

type parentConfig struct {
	callConfig
	executable         []string
	args               []string
	dir                string
	env                []string
	startTimeout       time.Duration
	stopTimeout        time.Duration
	discoverTimeout    time.Duration
	autoRestart        bool
	maxRestartAttempts int
	restartBackoff     time.Duration
	restartWindow      time.Duration
	circuitThreshold   int // 0 means maxRestartAttempts
	circuitReset       time.Duration
	isFailure          func(error) bool
	heartbeatInterval  time.Duration
	heartbeatTimeout   time.Duration
	heartbeatMaxMisses int
	stallTimeout       time.Duration
	maxPending         int
	stdout, stderr     func(line string)
	app                string
	limits             Limits
	logger             *slog.Logger
}

func defaultParentConfig() parentConfig {
	return parentConfig{
		callConfig:         callConfig{namespace: wire.DefaultNamespace},
		startTimeout:       30 * time.Second,
		stopTimeout:        5 * time.Second,
		discoverTimeout:    5 * time.Second,
		maxRestartAttempts: 5,
		restartBackoff:     100 * time.Millisecond,
		restartWindow:      30 * time.Second,
		circuitReset:       time.Second,
		heartbeatInterval:  5 * time.Second,
		heartbeatTimeout:   3 * time.Second,
		heartbeatMaxMisses: 3,
		stallTimeout:       time.Minute,
		maxPending:         250_000,
	}
}

type callConfig struct {
	namespace  string
	clientName string
	timeout    time.Duration
}

type workerOption func(*workerConfig)

func (o workerOption) applyWorker(c *workerConfig) { o(c) }

type parentOption func(*parentConfig)

func (o parentOption) applyParent(c *parentConfig) { o(c) }

type callOption func(*callConfig)

func (o callOption) applyCall(c *callConfig)     { o(c) }
func (o callOption) applyParent(c *parentConfig) { o(&c.callConfig) }

type commonOption struct {
	workerOption
	parentOption
}

type anyOption struct {
	workerOption
	callOption
}

// quietLogger writes warnings and errors, one line each.
func quietLogger(to io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{Level: slog.LevelWarn}))
}
