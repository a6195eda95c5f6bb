package multifrost

import (
	"bytes"
	"context"
	"time"

	"github.com/multifrost/multifrost-go/internal/link"
	"github.com/multifrost/multifrost-go/internal/wire"
)

// maxLateBeats is how many missed heartbeats are remembered: a late answer still shows that the worker is back.
const maxLateBeats = 16

// beat is a heartbeat that was sent.
type beat struct {
	question []byte // as it was sent: the same bytes are an echo, which proves no worker
	sent     time.Time
	answered chan struct{}
	late     bool
}

// sendBeat sends a heartbeat. The round trip is measured with the parent's clock, whatever the answer contains.
func (p *ParentWorker) sendBeat(l *link.Link) (id string, b *beat) {
	m := newHeartbeat()
	data, err := p.codec.Encode(m)
	b = &beat{question: data, sent: time.Now(), answered: make(chan struct{})}
	p.mu.Lock()
	p.beats[m.ID] = b
	p.mu.Unlock()
	if err == nil {
		l.SendUrgent(data) // a heartbeat that cannot be sent counts as missed
	}
	return m.ID, b
}

func newHeartbeat() *wire.Message {
	m := wire.New(wire.Heartbeat)
	m.Metadata = map[string]any{"hb_timestamp": m.Timestamp}
	return m
}

// prove reports whether a heartbeat is answered before ctx is done.
func (p *ParentWorker) prove(ctx context.Context, l *link.Link) bool {
	id, b := p.sendBeat(l)
	select {
	case <-b.answered:
		return true
	case <-l.Gone():
	case <-ctx.Done():
	}
	p.forgetBeat(id)
	return false
}

// beatRegularly sends heartbeats until the session has ended.
func (p *ParentWorker) beatRegularly(s *session, ended <-chan struct{}) {
	if p.config.heartbeatInterval <= 0 {
		return
	}
	tick := time.NewTicker(p.config.heartbeatInterval)
	defer tick.Stop()
	for {
		p.mu.Lock()
		l := p.link
		p.mu.Unlock()
		if l != nil {
			id, b := p.sendBeat(l)
			go p.judge(s, id, b, l, ended)
		}
		select {
		case <-ended:
			return
		case <-tick.C:
		}
	}
}

// judge waits for the answer, and counts a miss if none comes in time.
func (p *ParentWorker) judge(s *session, id string, b *beat, l *link.Link, ended <-chan struct{}) {
	select {
	case <-b.answered:
		return
	case <-ended:
		p.forgetBeat(id)
		return
	case <-l.Gone(): // supervise handles a lost connection
		p.forgetBeat(id)
		return
	case <-time.After(p.config.heartbeatTimeout):
	}
	p.setLate(id, b)
	misses := p.counters.beatMissed()
	p.log.Info("missed a heartbeat", "worker", p.name, "misses", misses)
	if misses == p.config.heartbeatMaxMisses {
		p.heartbeatsLost(s)
	}
}

// heartbeatsLost opens the circuit, and kills a worker that is then restarted. Heartbeats to a worker that is not
// restarted go on, so that the circuit closes when it answers again.
func (p *ParentWorker) heartbeatsLost(s *session) {
	p.log.Warn("the worker does not answer heartbeats", "worker", p.name)
	p.breaker.Trip()
	if p.config.autoRestart && s.process != nil {
		s.process.kill()
	}
}

// beatAnswered takes the answer to a heartbeat.
func (p *ParentWorker) beatAnswered(id string, answer []byte) {
	p.mu.Lock()
	b := p.beats[id]
	isAnswer := b != nil && !bytes.Equal(answer, b.question)
	if isAnswer {
		delete(p.beats, id)
	}
	p.mu.Unlock()
	if !isAnswer {
		return
	}
	close(b.answered)
	wasLost := p.counters.snapshot().HeartbeatMisses >= p.config.heartbeatMaxMisses
	p.counters.beatAnswered(time.Since(b.sent))
	if wasLost {
		p.breaker.Close()
	}
}

func (p *ParentWorker) forgetBeat(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.beats, id)
}

func (p *ParentWorker) setLate(id string, b *beat) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b.late = true
	oldestID, late := "", 0
	for id, b := range p.beats {
		if !b.late {
			continue
		}
		late++
		if oldestID == "" || b.sent.Before(p.beats[oldestID].sent) {
			oldestID = id
		}
	}
	if late > maxLateBeats {
		delete(p.beats, oldestID)
	}
}
