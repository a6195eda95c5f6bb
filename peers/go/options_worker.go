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
