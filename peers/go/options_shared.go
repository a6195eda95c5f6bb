package multifrost

import (
	"log/slog"
	"time"
)

// WithNamespace is the worker's namespace, or that of calls. Default: "default".
func WithNamespace(namespace string) AnyOption {
	return anyOption{
		func(c *workerConfig) { c.namespace = namespace },
		func(c *callConfig) { c.namespace = namespace },
	}
}

// WithMaxPending bounds the calls that run and wait; beyond it they fail as overloaded. Default: 250,000.
func WithMaxPending(n int) CommonOption {
	return commonOption{
		func(c *workerConfig) { c.maxPending = n },
		func(c *parentConfig) { c.maxPending = n },
	}
}

// WithStopTimeout is how long calls in flight may take to finish at the end. Default: 5 s.
func WithStopTimeout(d time.Duration) CommonOption {
	return commonOption{
		func(c *workerConfig) { c.stopTimeout = d },
		func(c *parentConfig) { c.stopTimeout = d },
	}
}

// WithLimits bounds messages and their parts.
func WithLimits(limits Limits) CommonOption {
	return commonOption{
		func(c *workerConfig) { c.limits = limits },
		func(c *parentConfig) { c.limits = limits },
	}
}

// WithApp sets the app id of the protocol; both sides must agree on it. Default: comlink_ipc_v3.
func WithApp(app string) CommonOption {
	return commonOption{
		func(c *workerConfig) { c.app = app },
		func(c *parentConfig) { c.app = app },
	}
}

// WithLogger takes what is worth telling. Default: warnings and errors, to stderr.
func WithLogger(logger *slog.Logger) CommonOption {
	return commonOption{
		func(c *workerConfig) { c.logger = logger },
		func(c *parentConfig) { c.logger = logger },
	}
}

// WithTimeout bounds a call beside its context. Default: none.
func WithTimeout(d time.Duration) ParentCallOption {
	return callOption(func(c *callConfig) { c.timeout = d })
}

// WithClientName tells the worker who calls.
func WithClientName(name string) ParentCallOption {
	return callOption(func(c *callConfig) { c.clientName = name })
}
