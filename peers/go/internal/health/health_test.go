package health

import (
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
