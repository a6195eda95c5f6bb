package link

import (
	"bytes"
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/multifrost/multifrost-go/internal/zmtp"
)

const patience = 10 * time.Second

// end records the events of one side of a link.
type end struct {
	up      chan *Link
	got     chan []byte
	down    chan struct{}
	refused chan string
}

func newEnd() *end {
	return &end{make(chan *Link, 8), make(chan []byte, 4096), make(chan struct{}, 8), make(chan string, 1024)}
}

func (e *end) config(socket zmtp.SocketType) Config {
	return Config{Socket: socket, MaxMessage: 1 << 20, Events: Events{
		Up:      func(l *Link) bool { e.up <- l; return true },
		Receive: func(_ *Link, payload []byte) { e.got <- bytes.Clone(payload) },
		Dropped: func(*Link) {},
		Down:    func(*Link, error) { e.down <- struct{}{} },
		Refused: func(reason string) { e.refused <- reason },
	}}
}

func take[T any](t *testing.T, from <-chan T) (value T) {
	t.Helper()
	select {
	case value = <-from:
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	return value
}

func dial(listener *Listener, config Config) (*Link, error) {
	return Dial(context.Background(), "tcp", listener.tcp.Addr().String(), config)
}

// pair returns a listener and a link to it.
func pair(t *testing.T) (listener *Listener, server, client *end, l *Link) {
	t.Helper()
	server, client = newEnd(), newEnd()
	listener, err := Listen("127.0.0.1", server.config(zmtp.Router), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(listener.Close)
	l, err = dial(listener, client.config(zmtp.Dealer))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return listener, server, client, l
}

func TestMessagesArriveInOrder(t *testing.T) {
	_, server, client, l := pair(t)
	other := take(t, server.up)
	for i := range 2000 {
		if err := l.Send([]byte{byte(i), byte(i >> 8)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 2000 {
		if got := take(t, server.got); !bytes.Equal(got, []byte{byte(i), byte(i >> 8)}) {
			t.Fatalf("message %d is %v", i, got)
		}
	}
	large := bytes.Repeat([]byte("x"), 1<<20)
	if err := other.Send(large, nil); err != nil || !bytes.Equal(take(t, client.got), large) {
		t.Error("a large message came back changed", err)
	}
	for _, one := range []*Link{l, other} {
		within, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if !one.out.wait(0, within.Done()) || one.out.queued.Load() != 0 {
			t.Errorf("%d bytes still count as queued", one.out.queued.Load())
		}
	}
}

func TestCloseSendsWhatIsQueued(t *testing.T) {
	_, server, _, l := pair(t)
	for range 500 {
		if err := l.Send(make([]byte, 1000), nil); err != nil {
			t.Fatal(err)
		}
	}
	const large = 20 // of 1 MiB
	for range large {
		if err := l.Send(make([]byte, 1<<20), nil); err != nil {
			t.Fatal(err)
		}
	}
	l.Close()
	for range 500 + large {
		take(t, server.got)
	}
	take(t, server.down)
	if err := l.Send(nil, nil); !errors.Is(err, ErrClosed) || l.TrySend(nil) {
		t.Error("a closed link takes messages", err)
	}
}

// The last answers of a peer are read even if sending to it fails.
func TestWhatAPeerSentBeforeItWentIsRead(t *testing.T) {
	// Less than the 64 KiB that the system buffers for a peer that does not read.
	const answers = 3
	for _, size := range []int{1, 2 * CopiedBytes} {
		server, client, reading := newEnd(), newEnd(), make(chan struct{})
		listener, err := Listen("127.0.0.1", server.config(zmtp.Router), nil)
		if err != nil {
			t.Fatal(err)
		}
		config := client.config(zmtp.Dealer)
		config.Events.Receive = func(_ *Link, payload []byte) { <-reading; client.got <- payload }
		l, err := dial(listener, config)
		if err != nil {
			t.Fatal(err)
		}
		to := take(t, server.up)
		for range answers {
			if err := to.Send(make([]byte, 20<<10), nil); err != nil {
				t.Fatal(err)
			}
		}
		to.out.close()
		<-to.out.drained
		to.conn.Close()
		for l.Send(make([]byte, size), nil) == nil {
		}
		close(reading)
		for range answers {
			take(t, client.got)
		}
		take(t, client.down)
		listener.Close()
	}
}

func TestEndOfThePeerIsReported(t *testing.T) {
	listener, server, client, l := pair(t)
	take(t, server.up)
	listener.Close()
	take(t, client.down)
	take(t, server.down)
	<-l.Gone()
	listener.Close() // once more does nothing
}

// A peer that does not read delays only sends to it, and Close does not wait for it without end.
func TestAPeerThatDoesNotRead(t *testing.T) {
	server := newEnd()
	listener, err := Listen("127.0.0.1", server.config(zmtp.Router), nil)
	if err != nil {
		t.Fatal(err)
	}
	stuck := make(chan struct{})
	config := newEnd().config(zmtp.Dealer)
	config.Events.Receive = func(*Link, []byte) { <-stuck }
	deaf, err := dial(listener, config)
	if err != nil {
		t.Fatal(err)
	}
	to := take(t, server.up)
	for to.TrySend(make([]byte, 1<<20)) {
	}
	done := make(chan struct{})
	close(done)
	if err := to.Send(nil, done); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	client := newEnd()
	l, err := dial(listener, client.config(zmtp.Dealer))
	if err != nil {
		t.Fatal(err)
	}
	if err := take(t, server.up).Send([]byte("x"), nil); err != nil {
		t.Fatal(err)
	}
	take(t, client.got)
	began := time.Now()
	listener.Close()
	if took := time.Since(began); took > 3*flushLimit {
		t.Errorf("Close took %v", took)
	}
	close(stuck)
	deaf.Close()
	l.Close()
}

func TestCloseEndsSilentConnections(t *testing.T) {
	listener, err := Listen("127.0.0.1", newEnd().config(zmtp.Router), nil)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", listener.tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	began := time.Now()
	listener.Close()
	if took := time.Since(began); took > handshakeLimit/2 {
		t.Errorf("Close took %v", took)
	}
}
