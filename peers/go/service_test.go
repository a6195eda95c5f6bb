package multifrost

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/multifrost/multifrost-go/internal/link"
	"github.com/multifrost/multifrost-go/internal/zmtp"
)

// connected returns a running parent of a service.
func connected(t *testing.T, id string, options ...Option) *ParentWorker {
	t.Helper()
	// A service may take its time to start on a busy machine.
	w, err := Connect(within(t), id, append([]Option{WithDiscoverTimeout(patience)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	if err := w.Start(within(t)); err != nil {
		t.Fatal(err)
	}
	return w
}

func servicesFile() string { return filepath.Join(os.Getenv("HOME"), ".multifrost", "services.json") }

func registeredServices(t *testing.T) map[string]map[string]any {
	t.Helper()
	text, err := os.ReadFile(servicesFile())
	if err != nil {
		t.Fatal(err)
	}
	entries := map[string]map[string]any{}
	if err := json.Unmarshal(text, &entries); err != nil {
		t.Fatal(err)
	}
	return entries
}

func TestServiceHasManyParents(t *testing.T) {
	service(t, "many")
	var parents sync.WaitGroup
	for range 4 {
		parents.Add(1)
		w := connected(t, "many")
		go func() {
			defer parents.Done()
			for i := range 50 {
				if n, err := Call[int](within(t), w, "Echo", i); n != i || err != nil {
					t.Error(n, err)
				}
			}
		}()
	}
	parents.Wait()
}

func TestOutputOfAServiceGoesToAllParents(t *testing.T) {
	service(t, "loud")
	var first, second lines
	a := connected(t, "loud", WithStdout(first.add))
	b := connected(t, "loud", WithStdout(second.add))
	if _, err := b.CallFunction(within(t), "Nothing"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.CallFunction(within(t), "Print", "to all parents\n"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both have it", func() bool { return first.has("to all parents") && second.has("to all parents") })
}

func TestServiceLeavesTheRegistry(t *testing.T) {
	command := service(t, "leaving")
	w := connected(t, "leaving")
	entry := registeredServices(t)["leaving"]
	if int(entry["pid"].(float64)) != command.Process.Pid || entry["started"] == "" {
		t.Errorf("%v", entry)
	}
	settled := make(chan error)
	go func() { _, err := w.CallFunction(within(t), "Sleep", 300); settled <- err }()
	eventually(t, "the call runs", func() bool { n, _ := Call[int](within(t), w, "Running"); return n == 1 })
	_ = command.Process.Signal(syscall.SIGTERM)
	if err := <-settled; err != nil {
		t.Error(err)
	}
	if err := command.Wait(); err != nil {
		t.Error(err)
	}
	if registeredServices(t)["leaving"] != nil {
		t.Error("its entry is still there")
	}
}

func TestReconnectToANewPort(t *testing.T) {
	first := service(t, "moving")
	w := connected(t, "moving")
	settled := make(chan error)
	go func() { _, err := w.CallFunction(within(t), "Sleep", 60000); settled <- err }()
	eventually(t, "the call runs", func() bool { n, _ := Call[int](within(t), w, "Running"); return n == 1 })
	_ = first.Process.Kill()
	_ = first.Wait()
	var lost *ConnectionError
	if err := <-settled; !errors.As(err, &lost) || lost.Code != CodeConnectionLost {
		t.Error(err)
	}
	service(t, "moving")
	if n, err := Call[int](within(t), w, "Add", 1, 2); n != 3 || err != nil {
		t.Error(n, err)
	}
	if !w.IsHealthy() {
		t.Error("it is not healthy")
	}
}

// A service that is ended in order refuses calls while it ends. They go to the one that follows.
func TestAGracefulRestartOfAServiceCostsItsCallersNothing(t *testing.T) {
	first := service(t, "graceful")
	w := connected(t, "graceful", WithCircuit(1, time.Minute))
	slow := make(chan error, 1)
	go func() { _, err := w.CallFunction(within(t), "Sleep", 200); slow <- err }()
	eventually(t, "the call runs", func() bool { n, _ := Call[int](within(t), w, "Running"); return n == 1 })
	over := make(chan struct{})
	calls, failures := steadyCalls(t, w, over)
	for range 3 {
		_ = first.Process.Signal(syscall.SIGTERM)
		_ = first.Wait()
		first = service(t, "graceful")
		eventually(t, "the next one answers", func() bool {
			pid, err := Call[int](within(t), w, "Pid")
			return err == nil && pid == first.Process.Pid
		})
	}
	close(over)
	calls.Wait()
	if err := <-slow; err != nil {
		t.Error("the call in flight:", err)
	}
	for err := range failures {
		t.Error(err)
	}
	if m := w.Metrics(); m.CircuitTrips != 0 || m.RequestsFailed != 0 {
		t.Errorf("%+v", m)
	}
}

func TestAGracefulEndOfAWorkerThatIsRestartedCostsNothing(t *testing.T) {
	w := started(t, "worker", WithAutoRestart(), WithCircuit(1, time.Minute))
	over := make(chan struct{})
	calls, failures := steadyCalls(t, w, over)
	for restarts := range 3 {
		_ = syscall.Kill(w.PID(), syscall.SIGTERM)
		eventually(t, "it is restarted", func() bool { return w.Metrics().Restarts > restarts })
	}
	close(over)
	calls.Wait()
	for err := range failures {
		t.Error(err)
	}
}

// steadyCalls makes calls from many goroutines until over is closed. The errors can be read when calls is done.
func steadyCalls(t *testing.T, w *ParentWorker, over chan struct{}) (calls *sync.WaitGroup, failures chan error) {
	calls, failures = new(sync.WaitGroup), make(chan error, 8)
	for range 8 {
		calls.Add(1)
		go func() {
			defer calls.Done()
			for {
				select {
				case <-over:
					return
				default:
					if n, err := Call[int](within(t), w, "Add", 1, 2); n != 3 || err != nil {
						failures <- err
						return
					}
				}
			}
		}()
	}
	go func() { calls.Wait(); close(failures) }()
	return calls, failures
}

func TestCallsForAServiceThatDoesNotComeBackEnd(t *testing.T) {
	gone := service(t, "lost")
	w := connected(t, "lost", WithCircuit(1, time.Hour), WithStartTimeout(2*time.Second))
	_ = gone.Process.Kill()
	eventually(t, "the loss is noticed", func() bool { return w.State() == StateReconnecting })
	w.ResetCircuit()
	var unreachable *ConnectionError
	if _, err := w.CallFunction(context.Background(), "Add", 1, 2); !errors.As(err, &unreachable) || unreachable.Code != CodeUnreachable {
		t.Error(err)
	}
	var late *TimeoutError
	for range 5 {
		_, err := w.WithOptions(WithTimeout(time.Millisecond)).CallFunction(within(t), "Add", 1, 2)
		if !errors.As(err, &late) || !late.NotSent {
			t.Error(err)
		}
	}
	if w.CircuitState() != CircuitClosed {
		t.Error("calls that were never sent counted")
	}
}

func TestStopOfAParentLeavesTheServiceAlone(t *testing.T) {
	service(t, "lasting")
	first := connected(t, "lasting")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := connected(t, "lasting")
	if n, err := Call[int](within(t), second, "Add", 1, 2); n != 3 || err != nil {
		t.Error(n, err)
	}
}

func TestServeInProcess(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- NewWorker(&fixture{}, WithServiceID("inside")).Serve(ctx) }()
	w := connected(t, "inside")
	if n, err := Call[int](within(t), w, "Add", 1, 2); n != 3 || err != nil {
		t.Error(n, err)
	}
	second := NewWorker(&fixture{}, WithServiceID("inside")).Serve(context.Background())
	var taken *RegistryError
	if !errors.As(second, &taken) || taken.Code != CodeServiceExists || taken.PID != os.Getpid() {
		t.Error(second)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestUnknownServiceIsNotFound(t *testing.T) {
	_, err := Connect(within(t), "unknown", WithDiscoverTimeout(0))
	var missing *RegistryError
	if !errors.As(err, &missing) || missing.Code != CodeServiceNotFound || !strings.Contains(err.Error(), "start the service first") {
		t.Error(err)
	}
}

// Another program may listen on a registered port: one that says nothing, or one that sends everything back.
func TestAnotherProgramOnThePort(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	service(t, "template")
	connected(t, "template")
	testImposter(t, silent.Addr().(*net.TCPAddr).Port)
	events := link.Events{
		Up:      func(*link.Link) bool { return true },
		Receive: func(l *link.Link, payload []byte) { _ = l.Push(payload) },
		Dropped: func(*link.Link) {},
		Down:    func(*link.Link, error) {},
		Refused: func(string) {},
	}
	echo, err := link.Listen("127.0.0.1", link.Config{Socket: zmtp.Router, MaxMessage: 1 << 20, Events: events}, link.NewBudget(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	testImposter(t, echo.Port())
}

func testImposter(t *testing.T, port int) {
	t.Helper()
	entries := registeredServices(t)
	entries["imposter"] = maps.Clone(entries["template"])
	entries["imposter"]["port"] = port
	text, _ := json.Marshal(entries)
	if err := os.WriteFile(servicesFile(), text, 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := Connect(within(t), "imposter", WithHeartbeat(time.Second, 300*time.Millisecond, 3), WithStartTimeout(500*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	var unreachable *ConnectionError
	if err := w.Start(within(t)); !errors.As(err, &unreachable) || unreachable.Code != CodeUnreachable {
		t.Error(err)
	}
}

func TestWorkersWithoutMethodsAreRefused(t *testing.T) {
	for _, target := range []any{nil, (*fixture)(nil), 5, struct{}{}} {
		err := NewWorker(target, WithServiceID("none")).Serve(context.Background())
		var wrong *ConfigError
		if !errors.As(err, &wrong) || wrong.Code != CodeInvalidOption {
			t.Errorf("%T: %v", target, err)
		}
	}
}
