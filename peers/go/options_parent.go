package multifrost

import "time"

// WithExecutable is the program that runs the script, and its leading arguments. Default: by the script's extension.
func WithExecutable(program string, args ...string) Option {
	return parentOption(func(c *parentConfig) { c.executable = append([]string{program}, args...) })
}

// WithArgs are arguments behind the script.
func WithArgs(args ...string) Option {
	return parentOption(func(c *parentConfig) { c.args = args })
}

// WithDir is the worker's working directory. Default: this process's.
func WithDir(dir string) Option { return parentOption(func(c *parentConfig) { c.dir = dir }) }

// WithEnv adds variables, written KEY=value, to those that the worker inherits.
func WithEnv(variables ...string) Option {
	return parentOption(func(c *parentConfig) { c.env = append(c.env, variables...) })
}

// WithStartTimeout is how long a worker may take to become reachable. Default: 30 s.
func WithStartTimeout(d time.Duration) Option {
	return parentOption(func(c *parentConfig) { c.startTimeout = d })
}

// WithDiscoverTimeout is how long Connect looks for the service. Default: 5 s.
func WithDiscoverTimeout(d time.Duration) Option {
	return parentOption(func(c *parentConfig) { c.discoverTimeout = d })
}

// WithAutoRestart starts a worker again that exits, or whose heartbeats are lost.
func WithAutoRestart() Option {
	return parentOption(func(c *parentConfig) { c.autoRestart = true })
}

// WithMaxRestartAttempts is the number of restarts before a worker is given up; it is also the number of failures in a
// row that open the circuit, unless WithCircuit says otherwise. Default: 5.
func WithMaxRestartAttempts(n int) Option {
	return parentOption(func(c *parentConfig) { c.maxRestartAttempts = n })
}

// WithCircuit is the number of failures in a row that open the circuit, and the time until a trial, which doubles up to
// 30 s each time the trial fails. Default: as WithMaxRestartAttempts, 1 s.
func WithCircuit(threshold int, reset time.Duration) Option {
	return parentOption(func(c *parentConfig) { c.circuitThreshold, c.circuitReset = threshold, reset })
}

// WithFailureRule is asked whether an error counts for the circuit; only about errors that do by default.
func WithFailureRule(isFailure func(error) bool) Option {
	return parentOption(func(c *parentConfig) { c.isFailure = isFailure })
}

// WithHeartbeat sets how often a heartbeat is sent, how long its answer may take, and how many in a row may be missed.
// An interval of 0 switches heartbeats off. Default: 5 s, 3 s, 3.
func WithHeartbeat(interval, timeout time.Duration, maxMisses int) Option {
	return parentOption(func(c *parentConfig) {
		c.heartbeatInterval, c.heartbeatTimeout, c.heartbeatMaxMisses = interval, timeout, maxMisses
	})
}

// WithStdout takes the lines that the worker prints, one at a time. The handler may make calls. Default: they are printed as "[name STDOUT]: line".
func WithStdout(handler func(line string)) Option {
	return parentOption(func(c *parentConfig) { c.stdout = handler })
}

// WithStderr takes the lines that the worker writes to stderr. Default: they are printed as "[name STDERR]: line".
func WithStderr(handler func(line string)) Option {
	return parentOption(func(c *parentConfig) { c.stderr = handler })
}
