package multifrost

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestOutputArrives(t *testing.T) {
	var stdout, stderr lines
	w := started(t, "worker", WithStdout(stdout.add), WithStderr(stderr.add))
	for _, c := range []struct{ name, text string }{
		{"Print", "grüße 1\nzwei\r\n"}, {"Warn", "warnung 1"}, {"Subprocess", "from a subprocess"}, {"Print", "no line end"},
	} {
		if _, err := w.CallFunction(within(t), c.name, c.text); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the lines arrive", func() bool {
		return stdout.has("grüße 1") && stdout.has("zwei") && stdout.has("from a subprocess") && stderr.has("warnung 1")
	})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if !stdout.has("no line end") || stdout.count() != 4 || stderr.count() != 1 {
		t.Errorf("%q %q", stdout.all, stderr.all)
	}
}

func TestOutputHandlersMayCall(t *testing.T) {
	answers := make(chan error, 1)
	var w *ParentWorker
	w = spawnSelf("worker", WithStdout(func(string) {
		_, err := w.CallFunction(within(t), "Add", 1, 2)
		answers <- err
	}))
	defer w.Close()
	if err := w.Start(within(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.CallFunction(within(t), "Print", "line\n"); err != nil {
		t.Fatal(err)
	}
	if err := <-answers; err != nil {
		t.Error(err)
	}
}

func TestMuchOutputBlocksNothing(t *testing.T) {
	var stdout lines
	w := started(t, "worker", WithStdout(stdout.add))
	text := strings.Repeat("0123456789\n", 20_000)
	for range 5 {
		if _, err := w.CallFunction(within(t), "Print", text); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "lines arrive", func() bool { return stdout.count() > 1000 })
}

func TestCallsInFlightFinishOnStop(t *testing.T) {
	w := started(t, "worker")
	pid := w.PID()
	settled := make(chan error)
	go func() { _, err := w.CallFunction(within(t), "Sleep", 300); settled <- err }()
	eventually(t, "the call runs", func() bool { n, _ := Call[int](within(t), w, "Running"); return n == 1 })
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if err := <-settled; err != nil {
		t.Error(err)
	}
	if !isGone(pid) {
		t.Error("the process is still there")
	}
}

func TestSignalDrainsTheWorker(t *testing.T) {
	w := started(t, "worker")
	settled := make(chan error)
	go func() { _, err := w.CallFunction(within(t), "Sleep", 300); settled <- err }()
	eventually(t, "the call runs", func() bool { n, _ := Call[int](within(t), w, "Running"); return n == 1 })
	process := w.session.process
	_ = syscall.Kill(w.PID(), syscall.SIGTERM)
	if err := <-settled; err != nil {
		t.Error(err)
	}
	<-process.exited
	if process.exit.ExitCode != 0 {
		t.Error(process.exit)
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	w := started(t, "worker")
	go func() { _, _ = w.CallFunction(within(t), "Stuck") }()
	eventually(t, "the call runs", func() bool { n, _ := Call[int](within(t), w, "Running"); return n == 1 })
	process := w.session.process
	_ = syscall.Kill(w.PID(), syscall.SIGTERM)
	// The worker refuses calls after the first signal.
	eventually(t, "the worker is stopping", func() bool { _, err := w.CallFunction(within(t), "Add", 1, 2); return err != nil })
	_ = syscall.Kill(process.cmd.Process.Pid, syscall.SIGINT)
	if !process.endedWithin(2*time.Second) || process.exit.ExitCode != 130 {
		t.Error(process.exit)
	}
}

func TestMethodsAreCancelledAtTheEnd(t *testing.T) {
	w := started(t, "stubborn")
	settled := make(chan error)
	go func() { _, err := w.CallFunction(within(t), "Sleep", 60000); settled <- err }()
	eventually(t, "the call runs", func() bool { n, _ := Call[int](within(t), w, "Running"); return n == 1 })
	_ = syscall.Kill(w.PID(), syscall.SIGTERM)
	var remote *RemoteCallError
	if err := <-settled; !errors.As(err, &remote) || !strings.Contains(remote.RemoteMessage, "stopped early") {
		t.Error(err)
	}
}

func TestExitIsNoticedAtOnce(t *testing.T) {
	w := started(t, "worker", WithStderr(func(string) {}))
	settled := make(chan error)
	go func() { _, err := w.CallFunction(within(t), "Sleep", 60000); settled <- err }()
	eventually(t, "the call runs", func() bool { n, _ := Call[int](within(t), w, "Running"); return n == 1 })
	began := time.Now()
	_, exitErr := w.CallFunction(within(t), "Exit", 3)
	for _, err := range []error{exitErr, <-settled} {
		var exited *WorkerExitedError
		if !errors.As(err, &exited) || exited.ExitCode != 3 {
			t.Error(err)
		}
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
	var exited *WorkerExitedError
	if _, err := w.CallFunction(within(t), "Add", 1, 2); !errors.As(err, &exited) || w.State() != StateExited {
		t.Error(err, w.State())
	}
}

func TestCrashErrorHasTheTrace(t *testing.T) {
	w := started(t, "worker", WithStderr(func(string) {}))
	_, err := w.CallFunction(within(t), "Crash")
	var exited *WorkerExitedError
	if !errors.As(err, &exited) || exited.ExitCode != 2 || !strings.Contains(exited.StderrTail, "goroutine") {
		t.Error(err)
	}
}

func TestABrokenConnectionEndsTheWorker(t *testing.T) {
	for name, options := range map[string][]Option{"not restarted": nil, "restarted": {WithAutoRestart()}} {
		t.Run(name, func(t *testing.T) {
			w := started(t, "worker", options...)
			pid := w.PID()
			settled := make(chan error)
			go func() { _, err := w.CallFunction(within(t), "Sleep", 60000); settled <- err }()
			eventually(t, "the call runs", func() bool { n, _ := Call[int](within(t), w, "Running"); return n == 1 })
			w.mu.Lock()
			broken := w.link
			w.mu.Unlock()
			broken.Close()
			if err := <-settled; !isLoss(err) {
				t.Error(err)
			}
			eventually(t, "the process is gone", func() bool { return isGone(pid) })
			n, err := Call[int](within(t), w, "Add", 1, 2)
			var exited *WorkerExitedError
			if restarted := options != nil; restarted && (n != 3 || err != nil) || !restarted && !errors.As(err, &exited) {
				t.Error(n, err)
			}
		})
	}
}

func TestStopKillsAWorkerThatHangs(t *testing.T) {
	w := started(t, "worker", WithStopTimeout(100*time.Millisecond))
	pid := w.PID()
	settled := make(chan error)
	go func() { _, err := w.CallFunction(within(t), "Freeze"); settled <- err }()
	eventually(t, "it is stopped", func() bool {
		stat, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		return strings.Contains(string(stat), ") T ")
	})
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	var not *NotRunningError
	if err := <-settled; !errors.As(err, &not) || !isGone(pid) {
		t.Error(err)
	}
}

func TestWorkerIsRestartedAfterItsExit(t *testing.T) {
	w := started(t, "worker", WithAutoRestart(), WithStderr(func(string) {}))
	first := w.PID()
	_, err := w.CallFunction(within(t), "Exit", 1)
	var exited *WorkerExitedError
	if !errors.As(err, &exited) {
		t.Fatal(err)
	}
	// Calls made during the restart wait.
	if n, err := Call[int](within(t), w, "Add", 1, 2); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	if w.PID() == first || w.Metrics().Restarts != 1 || !w.IsHealthy() {
		t.Errorf("%+v", w.Metrics())
	}
}

func TestRestartsAreUsedUp(t *testing.T) {
	w := started(t, "worker", WithAutoRestart(), WithMaxRestartAttempts(1), WithCircuit(100, time.Minute))
	for range 2 {
		if _, err := w.CallFunction(within(t), "Exit", 1); err == nil {
			t.Fatal("it did not exit")
		}
	}
	eventually(t, "it is given up", func() bool { return w.State() == StateExited })
	if !w.CircuitOpen() || w.IsHealthy() {
		t.Error("the circuit is not open")
	}
}

func TestHungWorkerIsRestarted(t *testing.T) {
	w := started(t, "worker", WithAutoRestart(), WithHeartbeat(50*time.Millisecond, 200*time.Millisecond, 2), WithStallTimeout(300*time.Millisecond))
	first := w.PID()
	_, err := w.CallFunction(within(t), "Freeze")
	var exited *WorkerExitedError
	if !errors.As(err, &exited) || exited.Stalled != 300*time.Millisecond || !strings.Contains(err.Error(), "WithStallTimeout") {
		t.Fatal(err)
	}
	eventually(t, "it runs again", func() bool { return w.State() == StateRunning && w.PID() != first && w.IsHealthy() })
}

// A method that computes in C, or a suspended process, answers no heartbeats either.
func TestAStalledWorkerIsReportedAndGoesOn(t *testing.T) {
	w := started(t, "worker", WithAutoRestart(), WithMaxRestartAttempts(1), WithHeartbeat(5*time.Millisecond, 20*time.Millisecond, 2))
	pid := w.PID()
	_ = syscall.Kill(pid, syscall.SIGSTOP)
	settled := make(chan error)
	go func() { _, err := w.CallFunction(within(t), "Add", 1, 2); settled <- err }()
	eventually(t, "many heartbeats are missed", func() bool { return w.Metrics().HeartbeatMisses > 20 })
	if w.State() != StateStalled || w.IsHealthy() || w.CircuitState() != CircuitClosed {
		t.Error(w.State(), w.CircuitState())
	}
	_ = syscall.Kill(pid, syscall.SIGCONT)
	if err := <-settled; err != nil {
		t.Error(err)
	}
	eventually(t, "it is healthy again", w.IsHealthy)
	if m := w.Metrics(); w.State() != StateRunning || w.PID() != pid || m.Restarts != 0 || m.CircuitTrips != 0 || m.RequestsFailed != 0 {
		t.Errorf("%s %+v", w.State(), m)
	}
}

func TestAParentThatWasSuspendedDoesNotKillItsWorker(t *testing.T) {
	clock := started(t, "worker", WithHeartbeat(50*time.Millisecond, time.Minute, 1))
	program, _ := os.Executable()
	parent := exec.Command(program)
	parent.Env = append(os.Environ(), roleVariable+"=impatient-parent")
	parent.Stderr = os.Stderr
	stdin, _ := parent.StdinPipe()
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = parent.Process.Kill(); _ = parent.Wait() })
	lines := bufio.NewReader(stdout)
	before, _ := lines.ReadString('\n')
	for _, beats := range []int{26, 50} {
		_ = parent.Process.Signal(syscall.SIGSTOP)
		meanwhile := clock.Metrics().HeartbeatsAnswered
		eventually(t, "others beat several times", func() bool { return clock.Metrics().HeartbeatsAnswered >= meanwhile+beats })
		_ = parent.Process.Signal(syscall.SIGCONT)
		_, _ = stdin.Write([]byte("\n"))
		if after, err := lines.ReadString('\n'); err != nil || after != before || before == "" {
			t.Fatalf("%q became %q, %v", before, after, err)
		}
	}
}

func TestHeartbeatsAreAnsweredWhileBusy(t *testing.T) {
	w := started(t, "worker", WithHeartbeat(20*time.Millisecond, 2*time.Second, 3))
	if _, err := w.CallFunction(within(t), "Busy", 500); err != nil {
		t.Fatal(err)
	}
	if m := w.Metrics(); m.HeartbeatsAnswered < 5 || m.HeartbeatMissesTotal != 0 || w.LastHeartbeatRTT() <= 0 {
		t.Errorf("%+v", m)
	}
}

func TestLostHeartbeatsOpenTheCircuitUntilTheyAreBack(t *testing.T) {
	w := started(t, "worker", WithHeartbeat(20*time.Millisecond, 100*time.Millisecond, 2), WithStallTimeout(0), WithCircuit(100, time.Minute))
	pid := w.PID()
	_ = syscall.Kill(pid, syscall.SIGSTOP)
	eventually(t, "the circuit opens", w.CircuitOpen)
	_, err := w.CallFunction(within(t), "Add", 1, 2)
	var open *CircuitOpenError
	if !errors.As(err, &open) || time.Until(open.RetryAt) <= 0 {
		t.Error(err)
	}
	_ = syscall.Kill(pid, syscall.SIGCONT)
	eventually(t, "it is healthy again", w.IsHealthy)
}

func TestCircuitOpensAfterFailuresAndClosesAfterATrial(t *testing.T) {
	w := started(t, "worker", WithCircuit(3, 100*time.Millisecond))
	for range 3 {
		_, _ = w.CallFunction(within(t), "Missing")
		_, _ = w.WithOptions(WithTimeout(time.Millisecond)).CallFunction(within(t), "Sleep", 500)
	}
	var open *CircuitOpenError
	if _, err := w.CallFunction(within(t), "Add", 1, 2); !errors.As(err, &open) || open.OfMethod {
		t.Fatal(err)
	}
	eventually(t, "a trial is due", func() bool { return w.CircuitState() == CircuitHalfOpen })
	if _, err := w.CallFunction(within(t), "Add", 1, 2); err != nil || w.CircuitState() != CircuitClosed {
		t.Error(err, w.CircuitState())
	}
	if m := w.Metrics(); m.CircuitTrips != 1 || m.CircuitResets != 1 || m.ErrorRate == 0 {
		t.Errorf("%+v", m)
	}
}

func TestAMethodThatFailsAgainAndAgainIsRefusedAndNoOther(t *testing.T) {
	w := started(t, "worker", WithCircuit(5, time.Minute))
	for range 5 {
		if _, err := w.CallFunction(within(t), "Fail", "x"); err == nil {
			t.Fatal("it did not fail")
		}
	}
	var open *CircuitOpenError
	if _, err := w.CallFunction(within(t), "Fail", "x"); !errors.As(err, &open) || !open.OfMethod || open.RetryAt.IsZero() {
		t.Error(err)
	}
	if n, err := Call[int](within(t), w, "Add", 1, 2); n != 3 || err != nil || !w.IsHealthy() || w.Metrics().CircuitTrips != 1 {
		t.Error(n, err)
	}
	w.ResetCircuit()
	var remote *RemoteCallError
	if _, err := w.CallFunction(within(t), "Fail", "x"); !errors.As(err, &remote) {
		t.Error(err)
	}
}

func TestATrialWithoutADeadlineDoesNotKeepOthersOut(t *testing.T) {
	w := started(t, "worker", WithCircuit(1, time.Nanosecond), WithStopTimeout(time.Millisecond))
	w.config.startTimeout = time.Millisecond
	_, _ = w.WithOptions(WithTimeout(time.Millisecond)).CallFunction(within(t), "Sleep", 60000)
	go func() { _, _ = w.CallFunction(context.Background(), "Stuck") }()
	eventually(t, "it is the trial", func() bool { return w.Metrics().QueueDepth == 1 })
	eventually(t, "another call is the trial", func() bool {
		n, _ := Call[int](within(t), w, "Running")
		return n == 2
	})
}

func TestFailureRuleExcludesErrors(t *testing.T) {
	w := started(t, "worker", WithCircuit(1, time.Minute), WithFailureRule(func(error) bool { return false }))
	for range 2 {
		var remote *RemoteCallError
		if _, err := w.CallFunction(within(t), "Fail", "validation"); !errors.As(err, &remote) {
			t.Error("what the rule leaves out counted", err)
		}
	}
}

func TestSpawnErrors(t *testing.T) {
	program, _ := os.Executable()
	for _, c := range []struct {
		name    string
		worker  *ParentWorker
		code    string
		message string
	}{
		{"no script", Spawn("/nowhere/worker.py"), CodeScriptNotFound, "/nowhere/worker.py"},
		{"no program", Spawn(program, WithExecutable("no-such-program")), CodeProgramNotFound, "no-such-program"},
		{"no directory", Spawn("x", WithDir("/nowhere")), CodeSpawnFailed, "/nowhere"},
		{"exits early", spawnSelf("early", WithStderr(func(string) {})), CodeExitedEarly, "no licence"},
		{"never there", spawnSelf("never", WithStartTimeout(300*time.Millisecond)), CodeStartTimeout, "WithStartTimeout"},
	} {
		err := c.worker.Start(within(t))
		var failed *SpawnError
		if !errors.As(err, &failed) || failed.Code != c.code || !strings.Contains(err.Error(), c.message) {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.code == CodeExitedEarly && (failed == nil || failed.ExitCode != 7) {
			t.Errorf("%s: %+v", c.name, failed)
		}
		if c.worker.State() != StateIdle {
			t.Errorf("%s: it is %s", c.name, c.worker.State())
		}
		_ = c.worker.Close()
	}
}

func TestStopDuringStart(t *testing.T) {
	w := spawnSelf("never")
	failed := make(chan error)
	go func() { failed <- w.Start(within(t)) }()
	eventually(t, "it is starting", func() bool { return w.State() == StateStarting })
	_ = w.Close()
	var not *NotRunningError
	if err := <-failed; !errors.As(err, &not) {
		t.Error(err)
	}
}

func TestStartHeedsItsContext(t *testing.T) {
	w := spawnSelf("never")
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if err := w.Start(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestInvalidPortEndsTheWorkerWithOneLine(t *testing.T) {
	program, _ := os.Executable()
	for _, c := range []struct{ port, message string }{
		{"80", "COMLINK_ZMQ_PORT is \"80\""}, {"abc", "no port"}, {"65536", "no port"}, {"-1", "no port"}, {"none", "neither COMLINK_ZMQ_PORT"},
	} {
		command := exec.Command(program)
		command.Env = append(os.Environ(), roleVariable+"=worker")
		if c.port != "none" {
			command.Env = append(command.Env, "COMLINK_ZMQ_PORT="+c.port)
		}
		output, err := command.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 || strings.Count(string(output), "\n") != 1 || !strings.Contains(string(output), c.message) {
			t.Errorf("port %s: %v, %q", c.port, err, output)
		}
	}
}

func TestOrphanEnds(t *testing.T) {
	t.Run("idle", func(t *testing.T) { orphanEnds(t, func(int) {}) })
	t.Run("while it drains", func(t *testing.T) {
		orphanEnds(t, func(pid int) { _ = syscall.Kill(pid, syscall.SIGTERM) })
	})
}

// orphanEnds kills the parent of a worker in the middle of a call.
func orphanEnds(t *testing.T, before func(pid int)) {
	t.Helper()
	program, _ := os.Executable()
	parent := exec.Command(program)
	parent.Env = append(os.Environ(), roleVariable+"=parent")
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	pid, _ := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || pid == 0 {
		t.Fatal(line, err)
	}
	before(pid)
	_ = parent.Process.Kill()
	_ = parent.Wait()
	killed := time.Now()
	eventually(t, "the worker is gone", func() bool { return isGone(pid) })
	if took := time.Since(killed); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestScriptsRunByExtension(t *testing.T) {
	dir := t.TempDir()
	for extension, first := range map[string]string{".py": "python3", ".js": "node", ".mjs": "node", ".go": "go", "": "worker"} {
		script := filepath.Join(dir, "worker"+extension)
		if err := os.WriteFile(script, nil, 0o700); err != nil {
			t.Fatal(err)
		}
		plan, err := planLaunch(script, defaultParentConfig())
		var missing *SpawnError
		if errors.As(err, &missing) && missing.Code == CodeProgramNotFound {
			if !strings.Contains(missing.Message, first) {
				t.Error(missing)
			}
			continue // that language is not installed here, and the error says so
		}
		if err != nil || filepath.Base(strings.Fields(plan.command)[0]) != first {
			t.Errorf("%q is run by %+v, %v", extension, plan, err)
		}
	}
}
