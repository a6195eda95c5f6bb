package multifrost

import (
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/multifrost/multifrost-go/internal/wire"
)

// rawPeer is a TCP connection that speaks ZMTP by hand.
type rawPeer struct {
	t *testing.T
	net.Conn
}

func greeting() []byte {
	g := make([]byte, 64)
	g[0], g[9], g[10] = 0xff, 0x7f, 3
	copy(g[12:], "NULL")
	return g
}

func frame(flags byte, body []byte) []byte {
	if len(body) < 256 {
		return append([]byte{flags, byte(len(body))}, body...)
	}
	return append(binary.BigEndian.AppendUint64([]byte{flags | 2}, uint64(len(body))), body...)
}

func command(name string, body []byte) []byte {
	return frame(4, append(append([]byte{byte(len(name))}, name...), body...))
}

func ready(socket string) []byte {
	body := append([]byte{11}, "Socket-Type"...)
	body = binary.BigEndian.AppendUint32(body, uint32(len(socket)))
	return command("READY", append(body, socket...))
}

func connect(t *testing.T, port int) *rawPeer {
	t.Helper()
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return &rawPeer{t, conn}
}

func (p *rawPeer) send(parts ...[]byte) {
	p.t.Helper()
	for _, part := range parts {
		if _, err := p.Write(part); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *rawPeer) receive(n int) []byte {
	p.t.Helper()
	data := make([]byte, n)
	if _, err := io.ReadFull(p, data); err != nil {
		p.t.Fatal(err)
	}
	return data
}

// receiveFrame returns the flags and the body of the next frame.
func (p *rawPeer) receiveFrame() (byte, []byte) {
	p.t.Helper()
	flags := p.receive(1)[0]
	if flags&2 != 0 {
		return flags, p.receive(int(binary.BigEndian.Uint64(p.receive(8))))
	}
	return flags, p.receive(int(p.receive(1)[0]))
}

func (p *rawPeer) shake(socket string) {
	p.t.Helper()
	p.send(greeting(), ready(socket))
	p.receive(64)
	p.receiveFrame()
}

func (p *rawPeer) call(m *wire.Message) {
	p.t.Helper()
	data, err := wire.NewCodec("", Limits{}).Encode(m)
	if err != nil {
		p.t.Fatal(err)
	}
	p.send(frame(1, nil), frame(0, data))
}

func (p *rawPeer) answer() *wire.Message {
	p.t.Helper()
	if flags, empty := p.receiveFrame(); flags != 1 || len(empty) != 0 {
		p.t.Fatalf("the envelope is %d %x", flags, empty)
	}
	_, payload := p.receiveFrame()
	m, fault := wire.NewCodec("", Limits{}).Decode(payload)
	if fault != nil {
		p.t.Fatal(fault)
	}
	return m
}

func servicePort(t *testing.T, id string) int {
	t.Helper()
	service(t, id)
	connected(t, id)
	return int(registeredServices(t)[id]["port"].(float64))
}

// works checks that a worker still answers.
func works(t *testing.T, id string) {
	t.Helper()
	w := connected(t, id)
	if n, err := Call[int](within(t), w, "Add", 1, 2); n != 3 || err != nil {
		t.Error(n, err)
	}
}

func TestWorkerSurvivesGarbage(t *testing.T) {
	port := servicePort(t, "sturdy")
	for name, bytes := range map[string][]byte{
		"nothing":            nil,
		"no greeting":        []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + string(make([]byte, 64))),
		"half a greeting":    greeting()[:20],
		"a cut READY":        append(greeting(), command("READY", []byte{1, 'x'})...),
		"an empty command":   append(greeting(), frame(4, nil)...),
		"a huge handshake":   append(greeting(), 6, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
		"another socket":     append(greeting(), ready("PUB")...),
		"a huge frame":       append(append(greeting(), ready("DEALER")...), 2, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
		"a frame too large":  append(append(greeting(), ready("DEALER")...), 2, 0, 0, 0, 0, 4, 0, 0, 1),
		"a long command":     append(append(greeting(), ready("DEALER")...), 6, 0, 0, 0, 0, 4, 0, 0, 0),
		"a bad command":      append(append(greeting(), ready("DEALER")...), frame(4, []byte{200, 'x'})...),
		"frames without end": append(append(greeting(), ready("DEALER")...), make([]byte, 0)...),
	} {
		p := connect(t, port)
		_, _ = p.Write(bytes)
		if name == "frames without end" {
			for range 1000 {
				if _, err := p.Write(frame(1, nil)); err != nil {
					break
				}
			}
		}
		works(t, "sturdy")
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		p := connect(t, port)
		noise := make([]byte, random.IntN(500))
		for i := range noise {
			noise[i] = byte(random.Uint32())
		}
		p.shake("DEALER")
		_, _ = p.Write(noise)
	}
	works(t, "sturdy")
}

func TestTooLargeAFrameEndsTheConnection(t *testing.T) {
	p := connect(t, servicePort(t, "limited"))
	p.shake("DEALER")
	p.send([]byte{2, 0, 0, 0, 0, 4, 0, 0, 1})
	if n, err := p.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the connection goes on: %d, %v", n, err)
	}
}

func TestMessagesWithoutAnEnvelopeAreDropped(t *testing.T) {
	p := connect(t, servicePort(t, "enveloped"))
	p.shake("DEALER")
	call := wire.New(wire.Call)
	call.Function, call.Namespace = "Pid", "default"
	data, _ := wire.NewCodec("", Limits{}).Encode(call)
	p.send(frame(0, data))                                // one frame
	p.send(frame(1, []byte("x")), frame(0, data))         // the first is not empty
	p.send(frame(1, nil), frame(0, []byte{0xc1}))         // no MessagePack
	p.send(frame(1, nil), frame(0, data[:20]))            // cut off
	p.send(frame(1, nil), frame(1, data), frame(0, data)) // more frames than needed
	if m := p.answer(); m.ID != call.ID || m.Type != wire.Response {
		t.Errorf("%+v", m)
	}
	// Nothing else was answered: the next answer is the next call's.
	next := wire.New(wire.Call)
	next.Function = "Pid"
	next.Namespace = "default"
	p.call(next)
	if m := p.answer(); m.ID != next.ID {
		t.Errorf("%+v", m)
	}
}

func TestUnreadableCallsAreAnswered(t *testing.T) {
	p := connect(t, servicePort(t, "answering"))
	p.shake("DEALER")
	call := wire.New(wire.Call)
	call.Function = "Echo"
	deep := any(nil)
	for range 101 {
		deep = []any{deep}
	}
	call.Args = []any{deep}
	data, err := wire.NewCodec("", Limits{Depth: 200}).Encode(call)
	if err != nil {
		t.Fatal(err)
	}
	p.send(frame(1, nil), frame(0, data))
	m := p.answer()
	parts, _ := m.Metadata["error"].(map[string]any)
	if m.Type != wire.Error || m.ID != call.ID || parts["code"] != CodeLimitExceeded {
		t.Errorf("%+v", m)
	}
}

func TestHeartbeatsAreRepeated(t *testing.T) {
	p := connect(t, servicePort(t, "beating"))
	p.shake("DEALER")
	beat := wire.New(wire.Heartbeat)
	beat.Args = []any{int64(1700000000250)}
	beat.Metadata = map[string]any{"hb_timestamp": 1.5, "x": "y"}
	p.call(beat)
	m := p.answer()
	if m.Type != wire.Heartbeat || m.ID != beat.ID || len(m.Args) != 1 || m.Metadata["hb_response"] != true || m.Metadata["x"] != "y" {
		t.Errorf("%+v", m)
	}
	beat.Metadata["hb_response"] = true
	p.call(beat) // an answer is not answered
	call := wire.New(wire.Call)
	call.Function, call.Namespace = "Pid", "default"
	p.call(call)
	if m := p.answer(); m.ID != call.ID {
		t.Errorf("%+v", m)
	}
}

func TestPingIsAnswered(t *testing.T) {
	p := connect(t, servicePort(t, "ponging"))
	p.shake("DEALER")
	p.send(command("PING", []byte{0, 10, 'c', 't', 'x'}))
	if flags, body := p.receiveFrame(); flags != 4 || string(body) != "\x04PONGctx" {
		t.Errorf("%d %q", flags, body)
	}
}

func TestASilentConnectionDoesNotBlockOthers(t *testing.T) {
	port := servicePort(t, "open")
	for range 20 {
		connect(t, port)
	}
	works(t, "open")
}

func TestParentSurvivesGarbage(t *testing.T) {
	w := started(t, "worker", WithLogger(slog.New(slog.DiscardHandler)))
	for _, payload := range [][]byte{nil, {0xc1}, {0x80}, {0xdd, 0xff, 0xff, 0xff, 0xff}} {
		w.receive(payload)
	}
	if n, err := Call[int](within(t), w, "Add", 1, 2); n != 3 || err != nil {
		t.Error(n, err)
	}
	if w.Metrics().DroppedMessages < 3 {
		t.Errorf("%+v", w.Metrics())
	}
}

func TestAnUnreadableAnswerSettlesItsCall(t *testing.T) {
	w := started(t, "worker", WithLogger(slog.New(slog.DiscardHandler)))
	settled := make(chan error)
	go func() { _, err := w.CallFunction(within(t), "Sleep", 60000); settled <- err }()
	var id string
	eventually(t, "the call is pending", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		for id = range w.pending {
		}
		return id != ""
	})
	answer := wire.Answer(wire.Response, id)
	answer.HasResult = true
	data, _ := wire.NewCodec("", Limits{}).Encode(answer)
	w.receive(data[:len(data)-1])
	var unreadable *SerializationError
	if err := <-settled; !errors.As(err, &unreadable) {
		t.Error(err)
	}
}
