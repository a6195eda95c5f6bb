package health

import (
	"math"
	"testing"
	"time"
)

// opened returns a breaker that has just opened.
func opened(t *testing.T, reset time.Duration) *Breaker {
	t.Helper()
	b := NewBreaker(2, reset, 4*reset)
	for range 2 {
		ticket, _ := b.Admit()
		b.Failure(ticket)
	}
	if b.State() != Open {
		t.Fatal(b.State())
	}
	return b
}

// due makes a trial due now.
func (b *Breaker) due() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.until = time.Now()
}

func TestBreakerOpensAfterFailuresInARow(t *testing.T) {
	b := NewBreaker(2, time.Minute, time.Hour)
	for _, outcome := range []func(*Ticket){b.Failure, b.Success, b.Failure, b.Ignored, b.Lost} {
		ticket, _ := b.Admit()
		outcome(ticket)
	}
	if b.State() != Closed {
		t.Fatal("failures that are not in a row opened it")
	}
	ticket, _ := b.Admit()
	b.Failure(ticket)
	if refused, retryAt := b.Admit(); refused != nil || time.Until(retryAt) <= 0 {
		t.Error(refused, retryAt)
	}
}

func TestOneTrialDecides(t *testing.T) {
	b := opened(t, time.Minute)
	b.due()
	trial, _ := b.Admit()
	if trial == nil || b.State() != HalfOpen {
		t.Fatal(trial, b.State())
	}
	if second, _ := b.Admit(); second != nil {
		t.Fatal("two trials")
	}
	b.Failure(trial)
	if b.State() != Open || time.Until(b.until) <= time.Minute {
		t.Error("a failed trial does not double the time")
	}
	b.due()
	trial, _ = b.Admit()
	b.Ignored(trial)
	trial, _ = b.Admit()
	b.Lost(trial)
	if b.State() != Open {
		t.Error("a lost trial is no failure")
	}
	b.due()
	trial, _ = b.Admit()
	b.Success(trial)
	if trips, resets := b.Counts(); b.State() != Closed || trips != 3 || resets != 1 {
		t.Error(b.State(), trips, resets)
	}
}

func TestLateOutcomesDoNotCount(t *testing.T) {
	b := NewBreaker(1, time.Minute, time.Hour)
	early, _ := b.Admit()
	b.Trip()
	b.Success(early)
	if b.State() != Open {
		t.Error("an earlier success closed it")
	}
	b.Close()
	b.Failure(early)
	b.Failure(nil)
	if b.State() != Closed {
		t.Error("an earlier failure opened it")
	}
}

func TestTripAndMaximum(t *testing.T) {
	b := opened(t, time.Minute)
	for range 5 {
		b.due()
		b.Trip()
	}
	if left := time.Until(b.until); left > 4*time.Minute || left < 3*time.Minute {
		t.Error(left)
	}
}

func TestAMethodThatFailsLeavesOthersCallable(t *testing.T) {
	m := Methods{New: func() *Breaker { return NewBreaker(2, time.Minute, time.Hour) }}
	for range 2 {
		ticket, _, ok := m.Admit("parse")
		if !ok {
			t.Fatal("refused too early")
		}
		m.Failure("parse", ticket)
		m.Ignored("add", nil)
		m.Success("add", nil)
	}
	if _, retryAt, ok := m.Admit("parse"); ok || time.Until(retryAt) <= 0 {
		t.Error(ok, retryAt)
	}
	if ticket, _, ok := m.Admit("add"); !ok || ticket != nil || m.Len() != 1 {
		t.Error(ticket, ok, m.Len())
	}
	m.Failure("parse", nil) // a call from before it opened
	m.breakers["parse"].due()
	trial, _, _ := m.Admit("parse")
	if !trial.IsTrial() {
		t.Fatal("no trial")
	}
	m.Ignored("parse", trial)
	trial, _, _ = m.Admit("parse")
	m.Success("parse", trial)
	if trips, resets := m.Counts(); m.Len() != 0 || trips != 1 || resets != 1 {
		t.Error(m.Len(), trips, resets)
	}
	m.Failure("parse", nil)
	m.Failure("parse", nil)
	m.Close()
	if trips, resets := m.Counts(); m.Len() != 0 || trips != 2 || resets != 2 {
		t.Error(m.Len(), trips, resets)
	}
}

func TestFailingMethodsAreBounded(t *testing.T) {
	m := Methods{New: func() *Breaker { return NewBreaker(1, time.Minute, time.Hour) }}
	for n := range maxMethods + 10 {
		m.Failure(string(rune(n+'a')), nil)
	}
	if m.Len() != maxMethods || len(m.breakers) != maxMethods || len(m.order) != maxMethods {
		t.Error(m.Len(), len(m.breakers), len(m.order))
	}
	if _, _, ok := m.Admit("a"); !ok {
		t.Error("the one that failed first is not forgotten")
	}
}

func TestAWorkerIsStalledBeforeItIsLost(t *testing.T) {
	p := Pulse{Interval: 5 * time.Second, StallTimeout: time.Minute, MaxMisses: 3}
	for n := 1; n <= 20; n++ { // 40 s are 8 misses
		beat := p.Missed()
		want := Beat{Misses: n, Silent: time.Duration(n) * 5 * time.Second, Stalled: n == 3, Lost: n == 12}
		if beat != want {
			t.Errorf("%+v, not %+v", beat, want)
		}
	}
	if beat := p.Alive(); !beat.Recovered || !beat.WasLost {
		t.Errorf("%+v", beat)
	}
	if beat := p.Alive(); beat.Recovered {
		t.Errorf("%+v", beat)
	}
	for _, c := range []struct {
		stall time.Duration
		lost  int
	}{{0, 3}, {15 * time.Second, 3}, {15*time.Second + 1, 4}, {math.MaxInt64, 0}} {
		p := Pulse{Interval: 5 * time.Second, StallTimeout: c.stall, MaxMisses: 3}
		for n := 1; n <= 100; n++ {
			if beat := p.Missed(); beat.Lost != (n == c.lost) || beat.Stalled != (n == 3) {
				t.Errorf("%v: %+v", c.stall, beat)
			}
		}
	}
}

func TestBackoffGrowsAndIsBounded(t *testing.T) {
	b := Backoff{Base: time.Millisecond, Max: 50 * time.Millisecond}
	for n := range 100 {
		bound := 50 * time.Millisecond
		if n < 6 {
			bound = min(bound, time.Millisecond<<n)
		}
		if d := b.Next(); d < 0 || d > bound {
			t.Fatalf("delay %d is %v", n, d)
		}
	}
	b.Reset()
	if d := b.Next(); d > time.Millisecond {
		t.Error(d)
	}
}

func TestRestartBudgetComesBackAfterTheWindow(t *testing.T) {
	b := Budget{Max: 2, Window: time.Hour}
	for n := range 3 {
		if took := b.Take(); took != (n < 2) {
			t.Errorf("restart %d: %v", n, took)
		}
	}
	b.Healthy()
	if b.Take() {
		t.Error("healthy for a moment gives it back")
	}
	b.healthySince = time.Now().Add(-time.Hour)
	if !b.Take() {
		t.Error("healthy for the window does not give it back")
	}
}

func TestLatenciesOfTheLatestCalls(t *testing.T) {
	var w Window
	if w.Summary() != (Latency{}) {
		t.Error("something is there before the first call")
	}
	for n := range 2000 {
		w.Add(time.Duration(n+1) * time.Microsecond)
	}
	s := w.Summary()
	if s.Min != 977*time.Microsecond || s.Max != 2*time.Millisecond || s.Last != s.Max || s.P50 > s.P95 || s.P95 > s.P99 || s.Avg < s.Min {
		t.Errorf("%+v", s)
	}
}
