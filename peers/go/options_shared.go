package multifrost

import (
	"log/slog"
	"time"
)

// WithNamespace sets the namespace of a worker, or of calls. Default: "default".
func WithNamespace(namespace string) AnyOption {
	return anyOption{
		func(c *workerConfig) { c.namespace = namespace },
		func(c *callConfig) { c.namespace = namespace },
	}
}

// WithMaxPending bounds the calls that run and wait. A parent refuses more with an *OverloadError, a worker with the code
// OVERLOADED, unless their parent has less than an equal share of them. Default: 250,000.
func WithMaxPending(n int) CommonOption {
	return commonOption{
		func(c *workerConfig) { c.maxPending = n },
		func(c *parentConfig) { c.maxPending = n },
	}
}

// WithStopTimeout sets how long calls in flight may take to finish when a worker or parent stops. Default: 5 s.
func WithStopTimeout(d time.Duration) CommonOption {
	return commonOption{
		func(c *workerConfig) { c.stopTimeout = d },
		func(c *parentConfig) { c.stopTimeout = d },
	}
}

// WithLimits sets the limits of messages and their parts. Default: see Limits.
func WithLimits(limits Limits) CommonOption {
	return commonOption{
		func(c *workerConfig) { c.limits = limits },
		func(c *parentConfig) { c.limits = limits },
	}
}

// WithApp sets the app id of the protocol, which must be the same on both sides. Default: comlink_ipc_v3.
func WithApp(app string) CommonOption {
	return commonOption{
		func(c *workerConfig) { c.app = app },
		func(c *parentConfig) { c.app = app },
	}
}

// WithLogger sets the logger. Default: warnings and errors, to stderr.
func WithLogger(logger *slog.Logger) CommonOption {
	return commonOption{
		func(c *workerConfig) { c.logger = logger },
		func(c *parentConfig) { c.logger = logger },
	}
}

// WithTimeout bounds a call, in addition to its context. Default: none.
func WithTimeout(d time.Duration) ParentCallOption {
	return callOption(func(c *callConfig) { c.timeout = d })
}

// WithClientName sets the name of the caller that is sent with each call. Default: none.
func WithClientName(name string) ParentCallOption {
	return callOption(func(c *callConfig) { c.clientName = name })
}
