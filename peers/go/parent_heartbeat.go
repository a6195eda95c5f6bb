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
	heard    int64 // what had been read of the worker before, in bytes
	answered chan struct{}
	late     bool
}

// sendBeat sends a heartbeat. The round trip is measured with the parent's clock, whatever the answer contains.
func (p *ParentWorker) sendBeat(l *link.Link) (id string, b *beat) {
	m := newHeartbeat()
	data, err := p.codec.Encode(m)
	b = &beat{question: data, sent: time.Now(), heard: l.Heard(), answered: make(chan struct{})}
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
	for late := true; late; {
		began := time.Now()
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
		// A process that was suspended waits again: the worker may have been too.
		late = time.Since(began) >= 2*p.config.heartbeatTimeout
	}
	p.setLate(id, b)
	if p.hasHeard(l, b, ended) {
		p.alive(s)
	} else {
		p.missed(s)
	}
}

// hasHeard reports whether the worker has sent anything since the heartbeat, which is a sign of life as its answer is. What has
// arrived is read first: this process may have been busy itself.
func (p *ParentWorker) hasHeard(l *link.Link, b *beat, ended <-chan struct{}) bool {
	for until := time.Now().Add(p.config.heartbeatTimeout); l.Heard() == b.heard && l.HasUnread() && time.Now().Before(until); {
		select {
		case <-ended:
			return true
		case <-time.After(time.Millisecond):
		}
	}
	return l.Heard() != b.heard
}

// missed counts a miss. A worker whose process lives and whose connection is up is stalled after some, which is no failure: it
// computes, is suspended, or hangs.
func (p *ParentWorker) missed(s *session) {
	p.counters.beatMissed()
	beat := s.pulse.Missed()
	p.log.Info("missed a heartbeat", "worker", p.name, "misses", beat.Misses)
	if beat.Stalled {
		p.log.Warn("the worker is connected but answers no heartbeats: it computes, is suspended, or hangs; calls are still sent",
			"worker", p.name, "for", beat.Silent)
		p.changeState(StateRunning, StateStalled)
	}
	if beat.Lost {
		p.heartbeatsLost(s, beat.Silent)
	}
}

// alive records a sign of life.
func (p *ParentWorker) alive(s *session) {
	beat := s.pulse.Alive()
	if beat.WasLost {
		p.breaker.Close()
	}
	if beat.Recovered {
		p.log.Info("the worker gives signs of life again", "worker", p.name)
		p.changeState(StateStalled, StateRunning)
	}
}

// heartbeatsLost opens the circuit, and kills a worker that is then restarted. Heartbeats to a worker that is not
// restarted go on, so that the circuit closes when it answers again.
func (p *ParentWorker) heartbeatsLost(s *session, silent time.Duration) {
	p.log.Warn("the worker has answered no heartbeats for too long (see WithStallTimeout)", "worker", p.name, "for", silent)
	p.breaker.Trip()
	if p.config.autoRestart && s.process != nil {
		s.stalled.Store(int64(silent))
		s.process.kill()
	}
}

func (p *ParentWorker) changeState(from, to State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == from {
		p.setState(to)
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
	p.counters.beatAnswered(time.Since(b.sent))
	p.mu.Lock()
	s := p.session
	p.mu.Unlock()
	if s != nil {
		p.alive(s)
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
