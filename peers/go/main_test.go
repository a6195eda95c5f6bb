package multifrost

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/multifrost/multifrost-go/internal/wire"
)

// The tests start their own program as worker, service or parent; this variable says which.
const roleVariable = "MULTIFROST_TEST_ROLE"

// patience is the longest wait of these tests.
const patience = 15 * time.Second

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		play(role)
		return
	}
	keepGoCaches()
	home, err := os.MkdirTemp("", "multifrost-home-")
	if err != nil {
		panic(err)
	}
	os.Setenv("HOME", home)
	os.Setenv("GORACE", "atexit_sleep_ms=0") // exits are timed here, and the race detector would sleep for 1 s at each
	code := m.Run()
	os.RemoveAll(home)
	os.Exit(code)
}

// keepGoCaches lets the worker of an example, which go run compiles, use the caches of this home folder.
func keepGoCaches() {
	names := []string{"GOCACHE", "GOMODCACHE"}
	output, err := exec.Command("go", append([]string{"env"}, names...)...).Output()
	if err != nil {
		panic(err)
	}
	for i, path := range strings.Fields(string(output)) {
		os.Setenv(names[i], path)
	}
}

func play(role string) {
	time.AfterFunc(2*time.Minute, func() { os.Exit(99) }) // so that no process is left behind
	role, id, _ := strings.Cut(role, ":")
	switch role {
	case "worker":
		NewWorker(&fixture{}).Run()
	case "lower":
		NewWorker(&fixture{}, WithLowerCamelNames(), WithNamespace("own")).Run()
	case "app":
		NewWorker(&fixture{}, WithApp("comlink_ipc_v4")).Run()
	case "one":
		NewWorker(&fixture{}, WithMaxConcurrency(1), WithMaxPending(3)).Run()
	case "stubborn":
		NewWorker(&fixture{}, WithStopTimeout(200*time.Millisecond)).Run()
	case "silent":
		NewWorker(&fixture{}, WithNamespace("elsewhere"), WithOtherNamespacesIgnored()).Run()
	case "service":
		NewWorker(&fixture{}, WithServiceID(id)).Run()
	case "open-service":
		NewWorker(&fixture{}, WithServiceID(id), WithAllowRemoteShutdown()).Run()
	case "narrow-service":
		NewWorker(&fixture{}, WithServiceID(id), WithMaxPendingBytes(8<<20)).Run()
	case "short-service":
		NewWorker(&fixture{}, WithServiceID(id), WithMaxPending(10)).Run()
	case "expected":
		meet(id)
		NewWorker(&fixture{}).Run()
	case "older": // it knows the port and nothing else
		meet(id)
		os.Unsetenv(wire.EndpointVariable)
		os.Unsetenv(wire.TokenVariable)
		NewWorker(&fixture{}).Run()
	case "early":
		fmt.Fprintln(os.Stderr, "no licence")
		os.Exit(7)
	case "never":
		select {}
	case "parent":
		parentOfOrphan()
	case "impatient-parent":
		impatientParent()
	case "parent-of-family":
		parentOfFamily()
	}
}

// parentOfOrphan is a parent that the test kills. It prints its worker's process id.
func parentOfOrphan() {
	w := spawnSelf("worker")
	if err := w.Start(context.Background()); err != nil {
		panic(err)
	}
	go func() { _, _ = w.CallFunction(context.Background(), "Stuck") }()
	for n := 0; n == 0; {
		n, _ = Call[int](context.Background(), w, "Running")
	}
	fmt.Println(w.PID())
	select {}
}

// impatientParent is a parent that kills a worker that misses one heartbeat. It prints its worker's process id after a call, and again
// for each line that it reads.
func impatientParent() {
	w := spawnSelf("worker", WithAutoRestart(), WithHeartbeat(50*time.Millisecond, time.Second, 1), WithStallTimeout(0))
	if err := w.Start(context.Background()); err != nil {
		panic(err)
	}
	for read := []byte{0}; ; {
		answered := w.Metrics().HeartbeatsAnswered
		for w.Metrics().HeartbeatsAnswered < answered+3 {
			time.Sleep(time.Millisecond)
		}
		pid, err := Call[int](context.Background(), w, "Pid")
		fmt.Println(pid, err, w.Metrics().Restarts)
		if _, err := os.Stdin.Read(read); err != nil {
			return
		}
	}
}

// parentOfFamily is a parent that the test kills. It prints the process ids of its worker and of what that has started.
func parentOfFamily() {
	w := spawnSelf("worker")
	if err := w.Start(context.Background()); err != nil {
		panic(err)
	}
	family, err := Call[[]int](context.Background(), w, "Family")
	if err != nil {
		panic(err)
	}
	fmt.Println(w.PID(), family[0], family[1])
	select {}
}

// fixture has methods of every kind.
type fixture struct {
	running atomic.Int32
	mu      sync.Mutex
	order   []int64
}

type point struct {
	X     int      `json:"x"`
	Y     float64  `msgpack:"y"`
	Label *string  `json:"label,omitempty"`
	Tags  []string `json:"tags"`
}

type codedError struct{ code string }

func (e *codedError) Error() string { return "coded failure" }
func (e *codedError) Code() string  { return e.code }

func (*fixture) Add(a, b int) int                     { return a + b }
func (*fixture) Divide(a, b float64) (float64, error) { return divide(a, b) }
func (*fixture) Echo(x any) any                       { return x }
func (*fixture) Nothing()                             {}
func (*fixture) Fail(message string) error            { return errors.New(message) }
func (*fixture) FailCoded() error                     { return &codedError{"E_CODED"} }
func (*fixture) Panic(x any) int                      { panic(x) }
func (*fixture) Move(p point, by int8) point          { p.X += int(by); return p }
func (*fixture) Sum(first int, rest ...int) int       { return sum(first, rest) }
func (*fixture) Bytes(data []byte) int                { return len(data) }
func (*fixture) When(at time.Time) time.Time          { return at.Add(time.Second) }
func (*fixture) Maybe(n *int) *int                    { return n }
func (*fixture) Names(m map[string][]uint8) int       { return len(m) }
func (*fixture) Unsendable() any                      { return map[string]any{"f": func() {}} }
func (*fixture) NoNames() []string                    { return nil }
func (*fixture) ThreeResults() (int, int, error)      { return 0, 0, nil }
func (*fixture) Print(text string)                    { fmt.Print(text) }
func (*fixture) Warn(text string)                     { fmt.Fprintln(os.Stderr, text) }
func (*fixture) Subprocess(text string) error         { return subprocess(text) }
func (*fixture) Exit(code int)                        { os.Exit(code) }
func (*fixture) Pid() int                             { return os.Getpid() }
func (*fixture) Crash()                               { go func() { panic("crashed outside of a call") }(); select {} }
func (*fixture) Env(name string) string               { return os.Getenv(name) }
func (*fixture) SecondWorker() error                  { return NewWorker(&fixture{}).Serve(context.Background()) }
func (*fixture) EndGoroutine()                        { runtime.Goexit() }
func (*fixture) Freeze()                              { _ = syscall.Kill(os.Getpid(), syscall.SIGSTOP); select {} }

func divide(a, b float64) (float64, error) {
	if b == 0 {
		return 0, fmt.Errorf("cannot divide %v: %w", a, errors.ErrUnsupported)
	}
	return a / b, nil
}

func sum(first int, rest []int) int {
	for _, n := range rest {
		first += n
	}
	return first
}

func subprocess(text string) error {
	command := exec.Command("echo", text)
	command.Stdout = os.Stdout
	return command.Run()
}

// Family starts a process in this one's group and one in its own session.
func (*fixture) Family() ([]int, error) {
	inGroup, inOwnSession := exec.Command("sleep", "600"), exec.Command("sleep", "600")
	inOwnSession.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := errors.Join(inGroup.Start(), inOwnSession.Start()); err != nil {
		return nil, err
	}
	return []int{inGroup.Process.Pid, inOwnSession.Process.Pid}, nil
}

// Sleep returns early when its context is cancelled.
func (f *fixture) Sleep(ctx context.Context, ms int) (int, error) {
	f.running.Add(1)
	defer f.running.Add(-1)
	select {
	case <-time.After(time.Duration(ms) * time.Millisecond):
		return ms, nil
	case <-ctx.Done():
		return 0, fmt.Errorf("stopped early: %w", ctx.Err())
	}
}

// Stuck never returns.
func (f *fixture) Stuck() {
	f.running.Add(1)
	select {}
}

// Running returns the number of running calls of Sleep and Stuck.
func (f *fixture) Running() int { return int(f.running.Load()) }

// Busy computes for ms milliseconds.
func (*fixture) Busy(ms int) int {
	for until := time.Now().Add(time.Duration(ms) * time.Millisecond); time.Now().Before(until); {
	}
	return ms
}

// Note records the order of its calls.
func (f *fixture) Note(n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.order = append(f.order, n)
}

func (f *fixture) Noted() []int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.order
}

// spawnSelf returns a parent of this program in another role.
func spawnSelf(role string, options ...Option) *ParentWorker {
	program, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return Spawn(program, append([]Option{WithEnv(roleVariable + "=" + role)}, options...)...)
}

// started returns a running parent, which is closed at the end of the test.
func started(t *testing.T, role string, options ...Option) *ParentWorker {
	t.Helper()
	w := spawnSelf(role, options...)
	t.Cleanup(func() { _ = w.Close() })
	if err := w.Start(within(t)); err != nil {
		t.Fatal(err)
	}
	return w
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !so(); {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting until %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// isGone reports whether a process has ended. A zombie counts: its parent may not wait for it.
func isGone(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(stat), ") Z ")
}

// service starts a service in another process, which is killed at the end of the test.
func service(t *testing.T, id string) *exec.Cmd {
	t.Helper()
	return serviceOf(t, "service", id)
}

func serviceOf(t *testing.T, role, id string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program)
	command.Env = append(os.Environ(), roleVariable+"="+role+":"+id)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	return command
}

// lines collects output.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, line)
}

func (l *lines) has(line string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, each := range l.all {
		if each == line {
			return true
		}
	}
	return false
}

func (l *lines) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.all)
}
