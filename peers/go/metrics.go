package multifrost

import (
	"sync"
	"time"

	"github.com/multifrost/multifrost-go/internal/health"
)

// CircuitState says whether calls go out: closed, open or half-open.
type CircuitState = health.CircuitState

// The states of the circuit breaker.
const (
	CircuitClosed   = health.Closed
	CircuitOpen     = health.Open
	CircuitHalfOpen = health.HalfOpen
)

// Latency summarizes the last 1024 calls that were answered or failed.
type Latency = health.Latency

// Metrics has the measurements of a parent at one moment.
type Metrics struct {
	Timestamp                                      time.Time
	RequestsTotal, RequestsSuccess, RequestsFailed int
	ErrorRate                                      float64 // of the finished calls, from 0 to 1
	Latency                                        Latency
	QueueDepth, QueueMaxDepth                      int          // calls without an answer
	CircuitTrips, CircuitResets                    int          // of the worker and of methods
	CircuitState                                   CircuitState // of the worker
	HeartbeatRTTLast, HeartbeatRTTAvg              time.Duration
	HeartbeatsAnswered                             int
	HeartbeatMisses                                int // consecutive
	HeartbeatMissesTotal                           int
	Restarts                                       int
	DroppedMessages                                int
	RefusedConnections                             int // to the private endpoint of a spawned worker, by others
}

// counters count events as they happen.
type counters struct {
	window health.Window

	mu                     sync.Mutex
	total, success, failed int
	maxDepth               int
	restarts, dropped      int
	refused                int
	beats, missed, misses  int
	rttLast, rttSum        time.Duration
}

func (c *counters) began(depth int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total++
	c.maxDepth = max(c.maxDepth, depth)
}

func (c *counters) ended(took time.Duration, failed bool) {
	c.mu.Lock()
	if failed {
		c.failed++
	} else {
		c.success++
	}
	c.mu.Unlock()
	c.window.Add(took)
}

func (c *counters) droppedOne() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropped++
}

func (c *counters) refusedOne() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused++
}

func (c *counters) restarted() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.restarts++
}

func (c *counters) beatAnswered(rtt time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.beats++
	c.misses = 0
	c.rttLast = rtt
	c.rttSum += rtt
}

func (c *counters) beatMissed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.missed++
	c.misses++
}

// fresh resets the consecutive misses, for a new process or connection.
func (c *counters) fresh() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.misses = 0
}

func (c *counters) snapshot() Metrics {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := Metrics{
		Timestamp:     time.Now(),
		RequestsTotal: c.total, RequestsSuccess: c.success, RequestsFailed: c.failed,
		QueueMaxDepth: c.maxDepth, Restarts: c.restarts, DroppedMessages: c.dropped, RefusedConnections: c.refused,
		HeartbeatRTTLast: c.rttLast, HeartbeatsAnswered: c.beats,
		HeartbeatMisses: c.misses, HeartbeatMissesTotal: c.missed,
	}
	if finished := c.success + c.failed; finished > 0 {
		m.ErrorRate = float64(c.failed) / float64(finished)
	}
	if c.beats > 0 {
		m.HeartbeatRTTAvg = c.rttSum / time.Duration(c.beats)
	}
	return m
}
