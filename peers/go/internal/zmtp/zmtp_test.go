package zmtp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

func frameOf(flags byte, body []byte) []byte {
	return append(appendHeader(nil, flags, len(body)), body...)
}

func message(payload []byte) []byte { return append(AppendHead(nil, len(payload)), payload...) }

// chunks hands out a stream in pieces.
type chunks struct {
	data []byte
	next func(left int) int
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.data[:min(len(c.data), max(1, c.next(len(c.data))))])
	c.data = c.data[n:]
	return n, nil
}

func splitAt(data []byte, at int) io.Reader {
	return io.MultiReader(bytes.NewReader(data[:at]), bytes.NewReader(data[at:]))
}

// story reads a stream to its end and returns what arrived, as text.
func story(source io.Reader, limits Limits) []string {
	r := NewReader(source, limits)
	defer r.Close()
	ready, err := r.Handshake(Router)
	if err != nil {
		return []string{err.Error()}
	}
	told := []string{fmt.Sprintf("%s %v", ready.SocketType, ready.Properties)}
	for {
		arrival, err := r.Next()
		if err != nil {
			return append(told, err.Error())
		}
		told = append(told, fmt.Sprintf("%d %d %.20x", arrival.Kind, len(arrival.Payload), arrival.Payload))
	}
}

// stream has one of everything that a peer may send.
func stream() []byte {
	large := bytes.Repeat([]byte("large"), 60_000)
	return bytes.Join([][]byte{
		Hello(Dealer, Property{"X-Token", "abc"}),
		message([]byte("first")),
		message(nil),
		AppendCommand(nil, "PING", []byte{0, 1, 'c', 't', 'x'}),
		AppendCommand(nil, "UNKNOWN", nil),
		message(large),
		frameOf(flagMore, nil), AppendCommand(nil, "PING", []byte{0, 1, 'm'}), frameOf(flagMore, []byte("kept")),
		AppendCommand(nil, "PING", []byte{0, 1}), frameOf(0, large[:3000]), // ignored
		frameOf(0, []byte("no envelope")),
		frameOf(flagMore, []byte("x")), frameOf(0, []byte("the first is not empty")),
		frameOf(flagMore, nil), frameOf(0, make([]byte, 400_000)), // above the limit
		message(bytes.Repeat([]byte("m"), 300)),
		message([]byte("last")),
	}, nil)
}

var want = []string{
	"DEALER map[x-token:abc]",
	"0 5 6669727374", "0 0 ", "3 3 637478",
	"0 300000 6c617267656c617267656c617267656c61726765",
	"3 1 6d", "3 0 ", "0 4 6b657074", "1 0 ", "1 0 ", "2 0 ",
	"0 300 6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d", "0 4 6c617374",
	"EOF",
}

var testLimits = Limits{MessageBytes: 320_000, SkipTooLarge: true}

func TestAStreamReadsTheSameHoweverItIsSplit(t *testing.T) {
	data := stream()
	expect := func(how string, source io.Reader) {
		t.Helper()
		if got := story(source, testLimits); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Fatalf("%s:\n%s\nnot\n%s", how, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	expect("whole", bytes.NewReader(data))
	expect("byte by byte", &chunks{data, func(int) int { return 1 }})
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		expect("at random", &chunks{data, func(int) int { return 1 + random.IntN(1<<random.IntN(17)) }})
	}
	small := bytes.Replace(data, bytes.Repeat([]byte("large"), 60_000), nil, 1)
	if len(small) < 1000 {
		t.Fatal("nothing to split")
	}
	// Every split in two, of the parts around the large payloads.
	for at := range 700 {
		expect(fmt.Sprintf("at %d", at), splitAt(data, at))
		expect(fmt.Sprintf("%d from the end", at), splitAt(data, len(data)-at))
	}
}

func TestEveryCutEndsWithAnErrorAndTheSameStory(t *testing.T) {
	data := stream()
	for at := 0; at < len(data); at += 1 + at/50 {
		got := story(bytes.NewReader(data[:at]), testLimits)
		last := got[len(got)-1]
		if last != io.EOF.Error() && last != io.ErrUnexpectedEOF.Error() {
			t.Fatalf("cut at %d: %v", at, got)
		}
		if told := got[:len(got)-1]; strings.Join(told, "\n") != strings.Join(want[:len(told)], "\n") {
			t.Fatalf("cut at %d: %v", at, got)
		}
	}
}

func TestWhatIsNotZMTPIsRefusedAtItsFirstWrongByte(t *testing.T) {
	hello := Hello(Dealer)
	huge := binary.BigEndian.AppendUint64(append(bytes.Clone(hello), flagMore, 0, flagLong), 1<<62)
	oldVersion := bytes.Clone(hello)
	oldVersion[10] = 1
	curve := bytes.Clone(hello)
	copy(curve[12:], "CURVE")
	greeted := hello[:greetingBytes:greetingBytes]
	many := bytes.Clone(hello)
	for range maxFrames {
		many = append(many, flagMore, 0)
	}
	for name, c := range map[string]struct {
		data []byte
		text string
	}{
		"text":                {[]byte("hello\n"), "does not speak ZMTP"},
		"HTTP":                {[]byte("GET / HTTP/1.1\r\n\r\n"), "does not speak ZMTP"},
		"TLS":                 {[]byte{0x16, 3, 1, 2, 0}, "does not speak ZMTP"},
		"ZMTP 1.0":            {[]byte{0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7e}, "does not speak ZMTP"},
		"ZMTP 2.0":            {oldVersion, "before 3.0"},
		"encryption":          {curve, "other than NULL"},
		"a message too early": {append(bytes.Clone(greeted), message([]byte("x"))...), "before its READY"},
		"another command":     {append(bytes.Clone(greeted), AppendCommand(nil, "PING", []byte{0, 0})...), "before READY"},
		"a cut READY":         {append(bytes.Clone(greeted), AppendCommand(nil, "READY", []byte{1, 'x'})...), "cannot be read"},
		"no socket type":      {append(bytes.Clone(greeted), AppendCommand(nil, "READY", nil)...), "cannot talk"},
		"another socket":      {append(bytes.Clone(greeted), Hello("PUB")[greetingBytes:]...), "cannot talk"},
		"the same name twice": {Hello(Dealer, Property{"X-a", "1"}, Property{"x-A", "2"}), "cannot be read"},
		"a long identity":     {Hello(Dealer, Property{"Identity", strings.Repeat("x", 256)}), "identity"},
		"a refusal":           {append(bytes.Clone(greeted), AppendError(nil, "no\x1b")...), "refused the connection: no?"},
		"a late refusal":      {append(bytes.Clone(hello), AppendError(nil, "no")...), "refused the connection: no"},
		"an unknown flag":     {append(bytes.Clone(hello), 0xf8, 0), "flags"},
		"a huge frame":        {huge, "more than"},
		"a huge command":      {binary.BigEndian.AppendUint64(append(bytes.Clone(hello), flagCommand|flagLong), 1<<40), "command"},
		"a command in parts":  {append(bytes.Clone(hello), flagCommand|flagMore, 0), "command"},
		"an empty command":    {append(bytes.Clone(hello), flagCommand, 0), "cannot be read"},
		"a bad command":       {append(bytes.Clone(hello), frameOf(flagCommand, []byte{200, 'x'})...), "cannot be read"},
		"a bad PING":          {append(bytes.Clone(hello), AppendCommand(nil, "PING", []byte{1})...), "PING"},
		"too many frames":     {append(many, flagMore, 0), "more than 16 frames"},
	} {
		// More follows, which a strict reader does not wait for.
		source := io.MultiReader(bytes.NewReader(c.data), failing{})
		got := story(source, testLimits)
		if last := got[len(got)-1]; !strings.Contains(last, c.text) {
			t.Errorf("%s: %q", name, last)
		}
	}
}

// failing is a source of which nothing may be read.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("it read on") }

func TestMemoryGrowsWithWhatArrivesAndNotWithWhatIsAnnounced(t *testing.T) {
	announced := binary.BigEndian.AppendUint64(append(Hello(Dealer), flagMore, 0, flagLong), 64<<20)
	held, most := 0, 0
	limits := Limits{MessageBytes: 64 << 20, Hold: func(n int) error { held += n; most = max(most, held); return nil }}
	story(bytes.NewReader(append(announced, "abc"...)), limits)
	if most != firstStep || held != 0 {
		t.Errorf("%d bytes are held, %d at most", held, most)
	}
	story(io.MultiReader(bytes.NewReader(announced), bytes.NewReader(make([]byte, 64<<20)), bytes.NewReader(message(nil))), limits)
	if most != 64<<20 || held != 0 {
		t.Errorf("%d bytes are held, %d at most", held, most)
	}
	full := errors.New("there is no room")
	limits.Hold = func(n int) error {
		if n > firstStep {
			return full
		}
		return nil
	}
	got := story(io.MultiReader(bytes.NewReader(announced), bytes.NewReader(make([]byte, 64<<20))), limits)
	if got[len(got)-1] != full.Error() {
		t.Error(got)
	}
}

func TestAMessageAboveTheLimitEndsTheConnectionUnlessItIsSkipped(t *testing.T) {
	data := append(append(Hello(Dealer), message(make([]byte, 1001))...), message([]byte("next"))...)
	if got := story(bytes.NewReader(data), Limits{MessageBytes: 1000}); !strings.Contains(got[1], "more than 1000 bytes") {
		t.Error(got)
	}
	if got := story(bytes.NewReader(data), Limits{MessageBytes: 1000, SkipTooLarge: true}); got[1] != "2 0 " || got[2] != "0 4 6e657874" {
		t.Error(got)
	}
}

func FuzzReader(f *testing.F) {
	f.Add(stream(), uint16(3))
	f.Add(Hello(Router, Property{"X-Token", "t"}), uint16(1))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), uint16(7))
	f.Add(append(Hello(Dealer), 2, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), uint16(64))
	f.Add(append(Hello(Dealer), frameOf(flagCommand, []byte{200, 'x'})...), uint16(2))
	f.Fuzz(func(t *testing.T, data []byte, size uint16) {
		held := 0
		limits := Limits{MessageBytes: 1 << 20, SkipTooLarge: size%2 == 0, Hold: func(n int) error { held += n; return nil }}
		whole := story(bytes.NewReader(data), limits)
		split := story(&chunks{data, func(int) int { return int(size) }}, limits)
		if strings.Join(whole, "\n") != strings.Join(split, "\n") {
			t.Errorf("whole:\n%v\nsplit:\n%v", whole, split)
		}
		if held != 0 {
			t.Errorf("%d bytes are still held", held)
		}
	})
}
