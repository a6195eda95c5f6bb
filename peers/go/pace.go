package multifrost

import (
	"sync/atomic"
	"time"
)

// pace decides whether the next call of a method runs in the goroutine that reads its link.
type pace struct {
	apart   atomic.Int32 // how many more calls run in another goroutine, after a slow one
	strikes atomic.Int32 // slow calls in a row
	usual   atomic.Int64 // how long the method takes, in nanoseconds; 0 before the first call
}

const (
	// slowCall is how long a call may take before the next ones run in other goroutines: leastApart times 2, and twice as many
	// each time it is slow again, up to maxStrikes times.
	slowCall   = 500 * time.Microsecond
	leastApart = 16
	maxStrikes = 8
	// briefCall is how long a method usually takes that keeps the calls behind it waiting no longer than other goroutines would.
	briefCall = 20 * time.Microsecond
)

// mayRunInline also asks whether more calls wait behind this one. These would run at the same time in other goroutines.
func (p *pace) mayRunInline(isLast bool) bool {
	if p.apart.Load() > 0 && p.apart.Add(-1) > 0 {
		return false
	}
	usual := p.usual.Load()
	return isLast || usual > 0 && usual < int64(briefCall)
}

func (p *pace) ran(took time.Duration) {
	usual := p.usual.Load()
	if usual == 0 {
		usual = int64(took)
	}
	p.usual.Store(usual + (int64(took)-usual)/8 + 1)
	switch {
	case took > slowCall:
		p.isSlow()
	case p.strikes.Load() > 0:
		p.strikes.Store(0)
	}
}

func (p *pace) isSlow() { p.apart.Store(leastApart << min(p.strikes.Add(1), maxStrikes)) }
