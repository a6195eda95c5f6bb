package multifrost

import (
	"math"
	"time"
)

// WithExecutable sets the program that runs the script, and its leading arguments. Default: chosen by the script's
// extension.
func WithExecutable(program string, args ...string) Option {
	return parentOption(func(c *parentConfig) { c.executable = append([]string{program}, args...) })
}

// WithArgs sets the arguments that follow the script. Default: none.
func WithArgs(args ...string) Option {
	return parentOption(func(c *parentConfig) { c.args = args })
}

// WithDir sets the worker's working directory. Default: this process's.
func WithDir(dir string) Option { return parentOption(func(c *parentConfig) { c.dir = dir }) }

// WithEnv adds environment variables, written KEY=value, to those that the worker inherits.
func WithEnv(variables ...string) Option {
	return parentOption(func(c *parentConfig) { c.env = append(c.env, variables...) })
}

// WithStartTimeout sets how long a worker may take to become reachable. Default: 30 s.
func WithStartTimeout(d time.Duration) Option {
	return parentOption(func(c *parentConfig) { c.startTimeout = d })
}

// WithDiscoverTimeout sets how long Connect looks for the service. Default: 5 s.
func WithDiscoverTimeout(d time.Duration) Option {
	return parentOption(func(c *parentConfig) { c.discoverTimeout = d })
}

// WithAutoRestart restarts the worker when it exits, or is stalled for the time of WithStallTimeout. Default: off.
func WithAutoRestart() Option {
	return parentOption(func(c *parentConfig) { c.autoRestart = true })
}

// WithMaxRestartAttempts sets how many restarts a worker gets before the parent gives up on it. A worker that runs for
// 30 s gets them back. It is also the number of consecutive failures that open the circuit, unless WithCircuit sets
// another. Default: 5.
func WithMaxRestartAttempts(n int) Option {
	return parentOption(func(c *parentConfig) { c.maxRestartAttempts = n })
}

// WithCircuit sets how many consecutive failures open a circuit, and the time until a trial call. That time doubles,
// up to 30 s, each time the trial fails. Exits, lost connections and timeouts count against the worker; an error of a method
// counts against this method alone, whose circuit leaves others callable. Default: as WithMaxRestartAttempts, 1 s.
func WithCircuit(threshold int, reset time.Duration) Option {
	return parentOption(func(c *parentConfig) { c.circuitThreshold, c.circuitReset = threshold, reset })
}

// WithFailureRule sets a function that reports whether an error counts for the circuit. It is asked only about errors
// that count by default: timeouts and errors of methods.
func WithFailureRule(isFailure func(error) bool) Option {
	return parentOption(func(c *parentConfig) { c.isFailure = isFailure })
}

// WithHeartbeat sets how often the parent sends a heartbeat, how long its answer may take, and after how many consecutive
// misses the state is StateStalled. An interval of 0 switches heartbeats off. Default: 5 s, 3 s, 3.
func WithHeartbeat(interval, timeout time.Duration, maxMisses int) Option {
	return parentOption(func(c *parentConfig) {
		c.heartbeatInterval, c.heartbeatTimeout, c.heartbeatMaxMisses = interval, timeout, maxMisses
	})
}

// Never is a time for WithStallTimeout.
const Never time.Duration = math.MaxInt64

// WithStallTimeout sets how long a worker that is connected may leave heartbeats unanswered, because it computes, is suspended
// or hangs. Then the circuit opens, and with WithAutoRestart the worker is killed and restarted. It is counted in whole
// intervals of WithHeartbeat; time in which this process did not run does not count. 0 means as soon as it is stalled, Never
// means never. Default: 60 s.
func WithStallTimeout(d time.Duration) Option {
	return parentOption(func(c *parentConfig) { c.stallTimeout = d })
}

// WithStdout sets the handler of the lines that the worker writes to stdout. It runs for one line at a time and may make
// calls. Default: lines are printed to stdout as "[name STDOUT]: line".
func WithStdout(handler func(line string)) Option {
	return parentOption(func(c *parentConfig) { c.stdout = handler })
}

// WithStderr sets the handler of the lines that the worker writes to stderr. It runs for one line at a time and may make
// calls. Default: lines are printed to stderr as "[name STDERR]: line".
func WithStderr(handler func(line string)) Option {
	return parentOption(func(c *parentConfig) { c.stderr = handler })
}
