package multifrost

import (
	"context"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestResultsByType(t *testing.T) {
	w := started(t, "worker")
	label := "here"
	at := time.Unix(1700000000, 123456789).UTC()
	for _, c := range []struct {
		name string
		args []any
		want any
	}{
		{"Add", []any{2, 3}, int64(5)},
		{"Add", []any{2.0, uint8(3)}, int64(5)},
		{"Divide", []any{1, 4}, 0.25},
		{"Nothing", nil, nil},
		{"Echo", []any{nil}, nil},
		{"Echo", []any{math.Inf(1)}, nil},
		{"Echo", []any{uint64(math.MaxUint64)}, uint64(math.MaxUint64)},
		{"Echo", []any{[]any{1, "a", []byte{0}}}, []any{int64(1), "a", []byte{0}}},
		{"Echo", []any{Ext{Type: 5, Data: []byte{1, 2}}}, Ext{Type: 5, Data: []byte{1, 2}}},
		{"Sum", []any{1}, int64(1)},
		{"Sum", []any{1, 2, 3}, int64(6)},
		{"Bytes", []any{make([]byte, 100_000)}, int64(100_000)},
		{"When", []any{at}, at.Add(time.Second)},
		{"Maybe", []any{nil}, nil},
		{"Maybe", []any{7}, int64(7)},
		{"Names", []any{map[string][]byte{"a": {1}}}, int64(1)},
		{"NoNames", nil, []any{}},
		{"Move", []any{point{X: 1, Y: 2, Label: &label, Tags: []string{"t"}}, 3},
			map[string]any{"x": int64(4), "y": 2.0, "label": "here", "tags": []any{"t"}}},
		{"Move", []any{map[string]any{"X": 1, "unknown": true}, 0}, map[string]any{"x": int64(1), "y": 0.0, "tags": []any{}}},
	} {
		got, err := w.CallFunction(within(t), c.name, c.args...)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s%v gave %#v, %v, not %#v", c.name, c.args, got, err, c.want)
		}
	}
}

func TestRemoteErrors(t *testing.T) {
	w := started(t, "worker", WithCircuit(1000, time.Second))
	for _, c := range []struct {
		name    string
		args    []any
		code    string
		remote  string
		message string
	}{
		{"Fail", []any{"no luck"}, CodeRemoteError, "error", "no luck"},
		{"Divide", []any{1, 0}, CodeRemoteError, "error", "cannot divide 1"},
		{"FailCoded", nil, CodeRemoteError, "codedError", "coded failure"},
		{"Panic", []any{"oh"}, CodeRemoteError, "panic", "oh"},
		{"Panic", []any{nil}, CodeRemoteError, "panic", "nil"},
		{"Unsendable", nil, CodeRemoteError, "SerializationError", "What 'Unsendable' returned cannot be sent. result.f: function cannot be sent"},
		{"Add", []any{1}, CodeRemoteError, "ArgumentError", "'Add' wants 2 arguments, not 1"},
		{"Sum", nil, CodeRemoteError, "ArgumentError", "'Sum' wants at least 1 argument, not 0"},
		{"Sum", []any{1, "x"}, CodeRemoteError, "ArgumentError", "argument 1: args[1]: wants int, not str"},
		{"Move", []any{point{}, 300}, CodeRemoteError, "ArgumentError", "argument 1: args[1]: 300 does not fit in int8"},
		{"Move", []any{map[string]any{"tags": []any{"a", 1}}, 0}, CodeRemoteError, "ArgumentError", "args[0].tags[1]: wants string, not int"},
		{"Add", []any{1.5, 1}, CodeRemoteError, "ArgumentError", "wants int, not float"},
		{"Add", []any{nil, 1}, CodeRemoteError, "ArgumentError", "wants int, not nil"},
		{"Ad", []any{1, 2}, CodeFunctionNotFound, "RefusedCall", "Function 'Ad' not found; did you mean 'Add'?"},
		{"Quite different", nil, CodeFunctionNotFound, "RefusedCall", "Function 'Quite different' not found"},
		{strings.Repeat("x", 500), nil, CodeFunctionNotFound, "RefusedCall", "…' not found"},
		{"_secret", nil, CodePrivateMethod, "RefusedCall", "Cannot call private method '_secret'"},
		{"ThreeResults", nil, CodeNotCallable, "RefusedCall", "'ThreeResults' is not callable"},
		{"", nil, CodeMissingFunction, "RefusedCall", "Message missing 'function' field"},
	} {
		_, err := w.CallFunction(within(t), c.name, c.args...)
		var remote *RemoteCallError
		if !errors.As(err, &remote) {
			t.Errorf("%.20s gave %v", c.name, err)
			continue
		}
		if remote.Code != c.code || remote.RemoteName != c.remote || !strings.Contains(remote.RemoteMessage, c.message) || remote.FunctionName != c.name {
			t.Errorf("%.20s gave %+v", c.name, remote)
		}
		if (remote.RemoteStack != "") != (c.remote == "panic") {
			t.Errorf("%.20s has the stack %q", c.name, remote.RemoteStack)
		}
		if c.name == "FailCoded" && remote.RemoteCode != "E_CODED" {
			t.Errorf("its code is %q", remote.RemoteCode)
		}
	}
	// The worker still answers.
	if n, err := Call[int](within(t), w, "Add", 1, 2); n != 3 || err != nil {
		t.Error(n, err)
	}
}

func TestBothSidesMayHaveAnotherAppID(t *testing.T) {
	w := started(t, "app", WithApp("comlink_ipc_v4"))
	if n, err := Call[int](within(t), w, "Add", 1, 2); n != 3 || err != nil {
		t.Error(n, err)
	}
}

func TestTypedCalls(t *testing.T) {
	w := started(t, "worker")
	p, err := Call[point](within(t), w, "Move", point{X: 1, Tags: []string{"a"}}, 1)
	if err != nil || p.X != 2 || len(p.Tags) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	_, err = Call[string](within(t), w, "Add", 1, 2)
	var wrong *SerializationError
	if !errors.As(err, &wrong) || wrong.Code != CodeUnexpectedResult {
		t.Error(err)
	}
}

func TestUnsendableArguments(t *testing.T) {
	w := started(t, "worker", WithLimits(Limits{MessageBytes: 1 << 20}))
	cycle := map[string]any{}
	cycle["self"] = cycle
	for _, c := range []struct {
		arg        any
		code, path string
	}{
		{map[string]any{"a": []any{0, func() {}}}, CodeUnsendableValue, "args[0].a[1]"},
		{make(chan int), CodeUnsendableValue, "args[0]"},
		{cycle, CodeUnsendableValue, "args[0].self"},
		{make([]byte, 1<<20), CodeMessageTooLarge, ""},
	} {
		_, err := w.CallFunction(within(t), "Echo", c.arg)
		var refused *SerializationError
		if !errors.As(err, &refused) || refused.Code != c.code || refused.Path != c.path {
			t.Errorf("%T returned %v", c.arg, err)
		}
	}
	if w.Metrics().RequestsTotal != 0 {
		t.Error("something was sent")
	}
}

func TestTimeoutAndCancel(t *testing.T) {
	w := started(t, "worker")
	_, err := w.WithOptions(WithTimeout(50*time.Millisecond)).CallFunction(within(t), "Sleep", 5000)
	var late *TimeoutError
	if !errors.As(err, &late) || !errors.Is(err, context.DeadlineExceeded) || late.FunctionName != "Sleep" {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := w.CallFunction(ctx, "Sleep", 5000); !errors.As(err, &late) {
		t.Error(err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	settled := make(chan error)
	go func() { _, err := w.CallFunction(ctx, "Sleep", 5000); settled <- err }()
	eventually(t, "the call is pending", func() bool { return w.Metrics().QueueDepth == 1 })
	cancel()
	if err := <-settled; !errors.Is(err, context.Canceled) || errors.As(err, &late) {
		t.Error(err)
	}
	if m := w.Metrics(); m.QueueDepth != 0 || m.RequestsFailed != 3 {
		t.Errorf("%+v", m)
	}
	if n, err := Call[int](within(t), w, "Add", 1, 2); n != 3 || err != nil {
		t.Error(n, err)
	}
}

func TestConcurrentCalls(t *testing.T) {
	w := started(t, "worker")
	came := make(chan int, 3)
	for _, ms := range []int{300, 150, 0} {
		go func() {
			n, err := Call[int](within(t), w, "Sleep", ms)
			if err != nil {
				t.Error(err)
			}
			came <- n
		}()
	}
	if order := []int{<-came, <-came, <-came}; !reflect.DeepEqual(order, []int{0, 150, 300}) {
		t.Errorf("the order was %v", order)
	}
	failed := make(chan error, 500)
	for i := range 500 {
		go func() {
			n, err := Call[int](within(t), w, "Echo", i)
			if err == nil && n != i {
				err = errors.New("another call's answer")
			}
			failed <- err
		}()
	}
	for range 500 {
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
	}
	if m := w.Metrics(); m.RequestsSuccess != 503 || m.Latency.P99 < m.Latency.P50 || m.Latency.Min <= 0 || m.QueueMaxDepth < 2 {
		t.Errorf("%+v", m)
	}
}

func TestOneAtATimeKeepsOrderAndIsBounded(t *testing.T) {
	w := started(t, "one")
	settled := make(chan error, 8)
	go func() { _, err := w.CallFunction(within(t), "Sleep", 400); settled <- err }()
	eventually(t, "the call is sent", func() bool { return w.Metrics().QueueDepth == 1 })
	for i := range 2 {
		go func() { _, err := w.CallFunction(within(t), "Note", i); settled <- err }()
		eventually(t, "the call is sent", func() bool { return w.Metrics().QueueDepth == i+2 })
	}
	// Three calls run or wait, which is the limit. Calls of one parent arrive in order, so this one comes last.
	var refused *RemoteCallError
	eventually(t, "the worker has all three", func() bool {
		_, err := w.CallFunction(within(t), "Note", 99)
		return errors.As(err, &refused)
	})
	if refused.Code != CodeOverloaded {
		t.Error(refused)
	}
	for range 3 {
		if err := <-settled; err != nil {
			t.Error(err)
		}
	}
	order, err := Call[[]int](within(t), w, "Noted")
	if err != nil || len(order) < 2 || order[0] != 0 || order[1] != 1 {
		t.Error(order, err)
	}
}

func TestNamespacesAndNames(t *testing.T) {
	w := started(t, "lower", WithClientName("test"))
	_, err := w.CallFunction(within(t), "add", 1, 2)
	var refused *RemoteCallError
	if !errors.As(err, &refused) || refused.Code != CodeWrongNamespace || !strings.Contains(refused.RemoteMessage, "'own'") {
		t.Error(err)
	}
	own := w.WithOptions(WithNamespace("own"))
	if n, err := Call[int](within(t), own, "add", 1, 2); n != 3 || err != nil {
		t.Error(n, err)
	}
	if _, err := own.CallFunction(within(t), "Add", 1, 2); err == nil {
		t.Error("Add is callable besides add")
	}
}

func TestIgnoredNamespacesAreNotAnswered(t *testing.T) {
	w := started(t, "silent")
	_, err := w.WithOptions(WithTimeout(200*time.Millisecond)).CallFunction(within(t), "Add", 1, 2)
	var late *TimeoutError
	if !errors.As(err, &late) {
		t.Error(err)
	}
}

func TestIntrospection(t *testing.T) {
	w := started(t, "worker")
	names, err := w.ListFunctions(within(t))
	if err != nil || !reflect.DeepEqual(names, NewWorker(&fixture{}).ListFunctions()) || len(names) < 20 {
		t.Fatal(names, err)
	}
	for _, name := range []string{"listFunctions", "list_functions", "ListFunctions"} {
		if _, err := w.CallFunction(within(t), name); err != nil {
			t.Error(name, err)
		}
	}
	found, err := w.Describe(within(t))
	if err != nil || found.Language != "go" || len(found.Functions) != len(names) {
		t.Fatal(found, err)
	}
	move := found.Functions["Move"]
	ref := map[string]any{"ref": "point"}
	if want := (FunctionDoc{Parameters: []ParameterDoc{{Name: "arg0", Type: ref}, {Name: "arg1", Type: "int"}}, Returns: ref}); !reflect.DeepEqual(move, want) {
		t.Errorf("%+v", move)
	}
	if want := map[string]FieldDoc{
		"x":     {Type: "int"},
		"y":     {Type: "float"},
		"label": {Type: map[string]any{"union": []any{"str", "nil"}}, Optional: true},
		"tags":  {Type: map[string]any{"list": "str"}},
	}; !reflect.DeepEqual(found.Types["point"].Fields, want) {
		t.Errorf("%+v", found.Types)
	}
	rest := found.Functions["Sum"].Parameters[1]
	if !rest.Rest || rest.Type != "int" || found.Functions["Nothing"].Returns != "nil" || found.Functions["When"].Returns != "time" {
		t.Errorf("%+v", found.Functions)
	}
	if sleep := found.Functions["Sleep"]; len(sleep.Parameters) != 1 {
		t.Errorf("the context is described as a parameter: %+v", sleep)
	}
}

func TestStartAndStopOutOfOrder(t *testing.T) {
	w := spawnSelf("worker")
	_, err := w.CallFunction(within(t), "Add", 1, 2)
	var not *NotRunningError
	if !errors.As(err, &not) || not.State != StateIdle || !strings.Contains(err.Error(), "call Start first") {
		t.Error(err)
	}
	if err := w.Start(within(t)); err != nil {
		t.Fatal(err)
	}
	if err := w.Start(within(t)); !errors.As(err, &not) {
		t.Error(err)
	}
	if !w.IsHealthy() || w.State() != StateRunning || w.PID() == 0 || w.CircuitOpen() {
		t.Error("a running worker is not healthy")
	}
	for range 2 {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := w.CallFunction(within(t), "Add", 1, 2); !errors.As(err, &not) || not.State != StateStopped {
		t.Error(err)
	}
}

func TestOverloadedParent(t *testing.T) {
	w := started(t, "worker", WithMaxPending(1))
	go func() { _, _ = w.CallFunction(within(t), "Sleep", 60000) }()
	eventually(t, "the call is pending", func() bool { return w.Metrics().QueueDepth == 1 })
	_, err := w.CallFunction(within(t), "Add", 1, 2)
	var full *OverloadError
	if !errors.As(err, &full) || full.Limit != 1 {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // the call in flight need not finish
	_ = w.Stop(ctx)
}
