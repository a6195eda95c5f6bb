package multifrost

// WithServiceID makes the worker a service that parents find by this name. Without it, it is spawned by its parent.
func WithServiceID(id string) WorkerOption {
	return workerOption(func(c *workerConfig) { c.serviceID = id })
}

// WithLowerCamelNames lists and answers add for the method Add, as callers in other languages write it.
func WithLowerCamelNames() WorkerOption {
	return workerOption(func(c *workerConfig) { c.lowerCamel = true })
}

// WithMaxConcurrency bounds the calls that run at once; 1 gives strict order. Default: no bound.
func WithMaxConcurrency(n int) WorkerOption {
	return workerOption(func(c *workerConfig) { c.maxConcurrency = n })
}

// WithOtherNamespacesIgnored leaves calls for other namespaces to the other workers on a shared channel. By default
// they are answered with an error.
func WithOtherNamespacesIgnored() WorkerOption {
	return workerOption(func(c *workerConfig) { c.ignoreNamespaces = true })
}

// WithHost makes a service listen elsewhere than on 127.0.0.1. Nothing here authenticates anybody.
func WithHost(host string) WorkerOption {
	return workerOption(func(c *workerConfig) { c.host = host })
}
