package multifrost

// WithServiceID makes the worker a service that parents find by this name. Default: none, so a parent must spawn the
// worker.
func WithServiceID(id string) WorkerOption {
	return workerOption(func(c *workerConfig) { c.serviceID = id })
}

// WithLowerCamelNames names the method Add "add", as callers in other languages write it. Default: names as in Go.
func WithLowerCamelNames() WorkerOption {
	return workerOption(func(c *workerConfig) { c.lowerCamel = true })
}

// WithMaxConcurrency bounds the calls that run at once. With 1, they run in the order in which they arrive. Default: no
// bound.
func WithMaxConcurrency(n int) WorkerOption {
	return workerOption(func(c *workerConfig) { c.maxConcurrency = n })
}

// WithOtherNamespacesIgnored leaves calls for other namespaces unanswered, for other workers on a shared channel.
// Default: they are answered with an error.
func WithOtherNamespacesIgnored() WorkerOption {
	return workerOption(func(c *workerConfig) { c.ignoreNamespaces = true })
}

// WithHost sets the address on which a service listens. There is no authentication: anyone who can connect can call the
// service. Default: 127.0.0.1.
func WithHost(host string) WorkerOption {
	return workerOption(func(c *workerConfig) { c.host = host })
}

// WithAllowRemoteShutdown lets any parent end the service by a shutdown message. Default: only signals, and the context of
// Serve, end it. A parent can always end the worker that it has started.
func WithAllowRemoteShutdown() WorkerOption {
	return workerOption(func(c *workerConfig) { c.allowRemoteShutdown = true })
}

// WithMaxPendingBytes bounds the memory that a service uses for all its parents together, roughly: messages that have not arrived
// completely, arguments of calls that are not answered, and answers that a parent has not taken. Beyond it, a parent that uses
// more than an equal share has its calls refused with the code OVERLOADED, or is disconnected. Default: 512 MiB.
func WithMaxPendingBytes(bytes int64) WorkerOption {
	return workerOption(func(c *workerConfig) { c.maxPendingBytes = bytes })
}
