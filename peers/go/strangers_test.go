package multifrost

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/multifrost/multifrost-go/internal/wire"
)

// meet tells a test where the parent of this worker listens, and waits until the test lets it go on.
func meet(address string) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	fmt.Fprintln(conn, os.Getenv(wire.PortVariable), strings.TrimPrefix(os.Getenv(wire.EndpointVariable), "ipc://"))
	_, _ = io.Copy(io.Discard, conn)
}

// stranger is what another program does on a private endpoint.
type stranger struct {
	says  []byte // at once
	then  []byte // after the parent's READY
	count int    // connections; 0 means 1
	// answer returns what it answers to a message of the parent.
	answer func(m *wire.Message, payload []byte) *wire.Message
}

func answerHeartbeats(m *wire.Message, _ []byte) *wire.Message {
	if m.Type == wire.Heartbeat {
		answer := wire.Answer(wire.Heartbeat, m.ID)
		answer.Metadata = map[string]any{"hb_response": true}
		return answer
	}
	forged := wire.Answer(wire.Response, m.ID)
	forged.Result, forged.HasResult = "forged", true
	return forged
}

func guess(m *wire.Message, payload []byte) *wire.Message {
	answer := answerHeartbeats(m, payload)
	if answer.Type == wire.Heartbeat {
		answer.Metadata["token"] = strings.Repeat("0", 32)
	}
	return answer
}

// unasked is everything that a worker may send, although it was not asked.
func unasked() []byte {
	var all []byte
	for _, m := range []*wire.Message{
		{Type: wire.Response, Result: "forged", HasResult: true}, {Type: wire.Error, Error: "forged"}, {Type: wire.Stdout, Output: "forged"},
		{Type: wire.Heartbeat, Metadata: map[string]any{"hb_response": true, "token": "0"}}, {Type: wire.Ready}, {Type: wire.Shutdown},
	} {
		m.ID = wire.NewID()
		data, err := wire.NewCodec("", Limits{}).Encode(m)
		if err != nil {
			panic(err)
		}
		all = append(append(all, frame(1, nil)...), frame(0, data)...)
	}
	return all
}

var strangers = map[string]stranger{
	"text":               {says: []byte("hello\n")},
	"HTTP":               {says: []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")},
	"TLS":                {says: []byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")},
	"ZMTP 1.0":           {says: []byte("\x01\x00\x05hello\x01\x00\x05hello")},
	"half a greeting":    {says: greeting()[:30]},
	"idle":               {count: 200},
	"a DEALER":           {says: append(greeting(), ready("DEALER")...), then: unasked()},
	"a ROUTER":           {says: append(greeting(), ready("ROUTER")...)},
	"a wrong token":      {says: append(greeting(), readyWith("ROUTER", "X-Token", strings.Repeat("0", 32))...), then: unasked()},
	"heartbeats":         {says: append(greeting(), ready("ROUTER")...), answer: answerHeartbeats},
	"a guessed token":    {says: append(greeting(), ready("ROUTER")...), answer: guess},
	"an echo":            {says: append(greeting(), ready("ROUTER")...), answer: func(m *wire.Message, _ []byte) *wire.Message { return m }},
	"forged answers":     {says: append(greeting(), ready("ROUTER")...), then: unasked(), answer: answerHeartbeats},
	"a message of 1 GiB": {says: append(greeting(), ready("ROUTER")...), then: append([]byte{1, 0, 2, 0, 0, 0, 0, 0x40, 0, 0, 0}, make([]byte, 1<<20)...)},
	"no end of messages": {says: append(greeting(), ready("ROUTER")...), then: bytes.Repeat(frame(0, nil), 1<<18)},
}

func readyWith(socket, name, value string) []byte {
	body := append([]byte{11}, "Socket-Type"...)
	body = append(append(body, 0, 0, 0, byte(len(socket))), socket...)
	body = append(append(body, byte(len(name))), name...)
	return command("READY", append(append(body, 0, 0, 0, byte(len(value))), value...))
}

// crowd is the connections of strangers.
type crowd struct {
	leave bool
	calls atomic.Int32 // messages that only the worker may get
	mu    sync.Mutex
	conns []net.Conn
	wait  sync.WaitGroup
}

// visit makes the connections of a stranger. It returns when each has said what it says first, or could not be made.
func (c *crowd) visit(s stranger, network, address string) {
	for range max(1, s.count) {
		conn, err := net.Dial(network, address)
		if err != nil {
			continue
		}
		c.mu.Lock()
		c.conns = append(c.conns, conn)
		c.mu.Unlock()
		_, _ = conn.Write(s.says)
		if c.leave && s.then == nil && s.answer == nil {
			conn.Close()
			continue
		}
		c.wait.Add(1)
		go func() { defer c.wait.Done(); c.converse(s, conn) }()
	}
}

func (c *crowd) converse(s stranger, conn net.Conn) {
	in := bufio.NewReader(conn)
	if _, err := io.CopyN(io.Discard, in, 64); err != nil {
		return
	}
	if _, _, err := readFrame(in); err != nil { // READY
		return
	}
	_, _ = conn.Write(s.then)
	codec := wire.NewCodec("", Limits{})
	for !c.leave || s.answer != nil {
		flags, payload, err := readFrame(in)
		if err != nil {
			return
		}
		m, fault := codec.Decode(payload)
		if flags&4 != 0 || fault != nil {
			continue
		}
		if m.Type != wire.Heartbeat {
			c.calls.Add(1)
		}
		if s.answer != nil {
			data, _ := codec.Encode(s.answer(m, payload))
			_, _ = conn.Write(append(frame(1, nil), frame(0, data)...))
		}
		if c.leave {
			break
		}
	}
	conn.Close()
}

func readFrame(in *bufio.Reader) (flags byte, body []byte, err error) {
	if flags, err = in.ReadByte(); err != nil {
		return 0, nil, err
	}
	var header [8]byte
	size := header[7:]
	if flags&2 != 0 {
		size = header[:]
	}
	if _, err = io.ReadFull(in, size); err != nil {
		return 0, nil, err
	}
	length := 0
	for _, b := range header {
		length = length<<8 | int(b)
	}
	body = make([]byte, length)
	_, err = io.ReadFull(in, body)
	return flags, body, err
}

func (c *crowd) close() {
	c.mu.Lock()
	for _, conn := range c.conns {
		conn.Close()
	}
	c.mu.Unlock()
	c.wait.Wait()
}

// NET-8: whatever others do on the endpoint of a worker, only the worker gets calls, and only its answers count.
func TestStrangersChangeNothing(t *testing.T) {
	if err := meetOne(t, "", stranger{}, &crowd{}); err != nil { // as a comparison for the times that are logged
		t.Error(err)
	}
	for name, s := range strangers {
		for _, when := range []string{"before", "while", "after"} {
			for _, leave := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %s the worker connects, leaving: %v", name, when, leave), func(t *testing.T) {
					c := &crowd{leave: leave}
					defer c.close()
					if err := meetOne(t, when, s, c); err != nil {
						t.Error(err)
					}
					if calls := c.calls.Load(); calls > 0 {
						t.Errorf("the stranger got %d calls", calls)
					}
				})
			}
		}
	}
}

// expect starts a worker that waits to be let in. It returns where strangers can connect: a port and the path of a socket.
func expect(t *testing.T, role string, options ...Option) (w *ParentWorker, started chan error, places []string, letIn func()) {
	t.Helper()
	meeting, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { meeting.Close() })
	w = spawnSelf(role+":"+meeting.Addr().String(), append(options, WithLogger(slog.New(slog.DiscardHandler)))...)
	t.Cleanup(func() { _ = w.Close() })
	started = make(chan error, 1)
	go func() { started <- w.Start(context.Background()) }()
	worker, err := meeting.Accept()
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(worker).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return w, started, strings.Fields(line), func() { worker.Close() }
}

// flood starts the strangers of every kind, which come again as soon as they are closed. The function that it returns ends them.
func flood(t *testing.T, places []string) (end func()) {
	t.Helper()
	endpoints := "tcp://127.0.0.1:" + places[0] + ",ipc://" + places[1]
	command := exec.Command("node", "../../interop/strangers.mjs", endpoints, "all", "--both", "--again")
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "ready" {
	}
	return func() {
		in.Close()
		last := ""
		for lines.Scan() {
			last = lines.Text()
		}
		if !strings.HasSuffix(last, `,"calls":0}`) || strings.Contains(last, `"connections":0,`) {
			t.Errorf("the strangers have seen %s", last)
		}
	}
}

// NET-8: neither a worker with a token nor one that knows the port alone is kept out.
func TestWorkersGetThroughStrangersThatComeAgainAndAgain(t *testing.T) {
	for _, role := range []string{"expected", "older"} {
		t.Run(role, func(t *testing.T) {
			w, started, places, letIn := expect(t, role)
			end := flood(t, places)
			began := time.Now()
			letIn()
			if err := <-started; err != nil {
				t.Fatal(err)
			}
			t.Logf("started in %v", time.Since(began))
			if err := checkCalls(t, w); err != nil {
				t.Error(err)
			}
			if err := checkEnd(t, w); err != nil {
				t.Error(err)
			}
			end()
		})
	}
}

// meetOne starts a worker, whose endpoint strangers visit over TCP and over the Unix socket.
func meetOne(t *testing.T, when string, s stranger, c *crowd) error {
	w, started, places, letIn := expect(t, "expected", WithStdout(func(line string) {
		if line == "forged" {
			t.Error("a forged line was taken")
		}
	}))
	visit := func() {
		c.visit(s, "tcp", "127.0.0.1:"+places[0])
		if s.count == 0 && len(places) > 1 {
			c.visit(s, "unix", places[1])
		}
	}
	var visits sync.WaitGroup
	switch when {
	case "before":
		visit()
		if c.leave {
			eventually(t, "they are counted", func() bool { return w.Metrics().RefusedConnections >= max(1, s.count) })
		}
	case "while":
		visits.Add(1)
		go func() { defer visits.Done(); visit() }()
	}
	began := time.Now()
	letIn()
	if err := <-started; err != nil {
		return err
	}
	took := time.Since(began)
	if when == "after" {
		visit()
	}
	visits.Wait()
	if err := checkCalls(t, w); err != nil {
		return err
	}
	refused := w.Metrics().RefusedConnections
	began = time.Now()
	if err := checkEnd(t, w); err != nil {
		return err
	}
	t.Logf("started in %v, its end noticed in %v, %d connections refused", took, time.Since(began), refused)
	return nil
}

// checkCalls returns an error unless the worker, and nothing else, answers.
func checkCalls(t *testing.T, w *ParentWorker) error {
	t.Helper()
	for i := range 20 {
		if n, err := Call[int](within(t), w, "Add", i, 1); n != i+1 || err != nil {
			return fmt.Errorf("the call %d returned %d, %w", i, n, err)
		}
	}
	if n, err := Call[int](within(t), w, "Pid"); n != w.PID() || err != nil || w.State() != StateRunning || !w.IsHealthy() {
		return fmt.Errorf("the worker is %d, not %d; it is %s, %w", n, w.PID(), w.State(), err)
	}
	return nil
}

// checkEnd kills the worker, and returns an error unless that is noticed.
func checkEnd(t *testing.T, w *ParentWorker) error {
	t.Helper()
	_ = syscall.Kill(w.PID(), syscall.SIGKILL)
	_, err := w.CallFunction(within(t), "Stuck")
	var exited *WorkerExitedError
	if !errors.As(err, &exited) {
		return fmt.Errorf("the end of the worker is reported as %w", err)
	}
	return nil
}

func TestAWorkerTakesWhatItsParentSetOutOfTheEnvironment(t *testing.T) {
	w := started(t, "worker")
	for _, name := range wire.SpawnVariables {
		if value, err := Call[string](within(t), w, "Env", name); value != "" || err != nil {
			t.Errorf("%s is %q, %v", name, value, err)
		}
	}
}

func TestAProcessHasOneWorkerForItsParent(t *testing.T) {
	w := started(t, "worker")
	_, err := w.CallFunction(within(t), "SecondWorker")
	var remote *RemoteCallError
	if !errors.As(err, &remote) || !strings.Contains(remote.RemoteMessage, "another worker of this process serves the parent") {
		t.Error(err)
	}
}

func TestAMethodThatEndsItsGoroutineIsAnError(t *testing.T) {
	w := started(t, "worker")
	for range 3 {
		_, err := w.CallFunction(within(t), "EndGoroutine")
		var remote *RemoteCallError
		if !errors.As(err, &remote) || !strings.Contains(remote.RemoteMessage, "without returning") {
			t.Error(err)
		}
	}
	if n, err := Call[int](within(t), w, "Add", 1, 2); n != 3 || err != nil {
		t.Error(n, err)
	}
}

// A parent that waits for its worker may have many strangers to refuse before it finds it.
func TestAWorkerThatKnowsThePortAloneTriesOnUntilItsFirstCall(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	worker := exec.Command(program)
	worker.Env = append(os.Environ(), roleVariable+"=worker", wire.PortVariable+"="+port)
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- worker.Wait() }()
	t.Cleanup(func() { _ = worker.Process.Kill() })
	accept := func() net.Conn {
		conn, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	hello := append(greeting(), ready("DEALER")...)
	first := accept()
	_, _ = first.Write(hello)
	_, _ = io.CopyN(io.Discard, first, int64(len(hello)))
	first.Close()
	for until := time.Now().Add(3 * reconnectTimeout / 2); time.Now().Before(until); {
		accept().Close()
	}
	parent := accept()
	call := wire.New(wire.Call)
	call.Function = "Pid"
	data, err := wire.NewCodec("", Limits{}).Encode(call)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = parent.Write(append(append(hello, frame(1, nil)...), frame(0, data)...))
	if _, err := io.CopyN(io.Discard, parent, int64(len(hello))+10); err != nil { // and the beginning of the answer
		t.Fatal(err)
	}
	listener.Close()
	parent.Close()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Error("it goes on without its parent")
	}
}
