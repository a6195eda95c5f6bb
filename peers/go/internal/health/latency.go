package health

import (
	"slices"
	"sync"
	"time"
)

// windowLength is the number of latest calls that the latencies cover.
const windowLength = 1024

// Latency is a summary of the latest calls.
type Latency struct {
	Avg, Min, Max, P50, P95, P99, Last time.Duration
}

// Window keeps the latencies of the latest calls, at a constant cost per call.
type Window struct {
	mu    sync.Mutex
	ring  [windowLength]time.Duration
	count int
}

// Add adds a latency.
func (w *Window) Add(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ring[w.count%windowLength] = d
	w.count++
}

// Summary returns a summary of the latencies, which is zero before the first call.
func (w *Window) Summary() Latency {
	w.mu.Lock()
	length := min(w.count, windowLength)
	if length == 0 {
		w.mu.Unlock()
		return Latency{}
	}
	last := w.ring[(w.count-1)%windowLength]
	sorted := slices.Clone(w.ring[:length])
	w.mu.Unlock()
	slices.Sort(sorted)
	var sum time.Duration
	for _, d := range sorted {
		sum += d
	}
	at := func(percent int) time.Duration { return sorted[(length-1)*percent/100] }
	return Latency{
		Avg: sum / time.Duration(length), Min: sorted[0], Max: sorted[length-1],
		P50: at(50), P95: at(95), P99: at(99), Last: last,
	}
}
