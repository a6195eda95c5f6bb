package link

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/multifrost/multifrost-go/internal/zmtp"
)

var (
	question = []byte("who are you?")
	answer   = []byte("worker")
)

// testChallenge accepts the answer, which may have a token after a space.
func testChallenge() Challenge {
	return Challenge{Question: question, IsAnswer: func(payload []byte) (string, bool) {
		what, token, _ := strings.Cut(string(payload), " ")
		return token, bytes.HasPrefix(payload, answer) && what != ""
	}}
}

// private returns a private endpoint, and its parent's end.
func private(t *testing.T) (*Private, *end) {
	t.Helper()
	parent := newEnd()
	p, err := ListenPrivately("127.0.0.1", parent.config(zmtp.Dealer), testChallenge)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p, parent
}

// visit connects as a worker would, and answers the question with reply, unless that is nil.
func visit(t *testing.T, network, address, token string, reply []byte) *end {
	t.Helper()
	visitor := newEnd()
	config := visitor.config(zmtp.Router)
	config.Token = token
	config.Events.Receive = func(l *Link, payload []byte) {
		visitor.got <- bytes.Clone(payload)
		if reply != nil && bytes.Equal(payload, question) {
			_ = l.Push(reply)
		}
	}
	l, err := Dial(t.Context(), network, address, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return visitor
}

func (p *Private) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.Port())) }

func TestOnlyTheWorkerIsAccepted(t *testing.T) {
	self := os.Getpid()
	for name, c := range map[string]struct {
		overTCP bool
		pid     int
		token   string // "right", or the token itself
		reply   string
		reason  string // empty if it is accepted
	}{
		"the token, over the Unix socket":      {token: "right"},
		"the token, over TCP":                  {overTCP: true, token: "right"},
		"the token in the answer":              {reply: "worker right"},
		"an older worker":                      {overTCP: true, pid: self, reply: "worker"},
		"a wrong token":                        {token: "0123456789abcdef0123456789abcdef", reason: "token is wrong"},
		"a wrong token in the answer":          {overTCP: true, pid: self, reply: "worker 0", reason: "token is wrong"},
		"no token, over the Unix socket":       {pid: self, reply: "worker", reason: "no token"},
		"an answer of another process":         {overTCP: true, pid: -1, reply: "worker", reason: "not the process"},
		"a flood of anything but the answer":   {overTCP: true, pid: self, reply: "flood", reason: "did not answer"},
		"an older worker whose pid comes late": {overTCP: true, pid: 0, reply: "worker"},
	} {
		t.Run(name, func(t *testing.T) {
			p, parent := private(t)
			switch c.pid {
			case -1:
				other := exec.Command("sleep", "60")
				if err := other.Start(); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = other.Process.Kill(); _ = other.Wait() })
				p.Expect(other.Process.Pid)
			case self:
				p.Expect(self)
			}
			network, address := "unix", p.Path()
			if c.overTCP {
				network, address = "tcp", p.address()
			}
			token := strings.ReplaceAll(c.token, "right", p.Token())
			reply := []byte(strings.ReplaceAll(c.reply, "right", p.Token()))
			var visitor *end
			if c.reply == "flood" {
				visitor = visit(t, network, address, token, nil)
				l := take(t, visitor.up)
				for l.Push([]byte("something else")) == nil {
				}
			} else {
				visitor = visit(t, network, address, token, reply)
			}
			if c.pid == 0 && c.overTCP && c.token == "" {
				take(t, visitor.got)
				p.Expect(self)
			}
			if c.reason == "" {
				accepted := take(t, parent.up)
				if err := accepted.Push([]byte("a call")); err != nil {
					t.Fatal(err)
				}
				for string(take(t, visitor.got)) != "a call" {
				}
				return
			}
			if reason := take(t, parent.refused); !strings.Contains(reason, c.reason) {
				t.Errorf("it was refused because %q", reason)
			}
			take(t, visitor.down)
			// The worker still gets in.
			visit(t, "unix", p.Path(), p.Token(), nil)
			take(t, parent.up)
		})
	}
}

func TestNothingListensOnceTheWorkerIsAccepted(t *testing.T) {
	p, parent := private(t)
	folder := p.folder
	if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Fatal(info, err)
	}
	waiting, err := net.Dial("tcp", p.address())
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close()
	visit(t, "unix", p.Path(), p.Token(), nil)
	take(t, parent.up)
	if reason := take(t, parent.refused); !strings.Contains(reason, "the worker is connected") {
		t.Error(reason)
	}
	for _, one := range [][2]string{{"tcp", p.address()}, {"unix", folder + "/worker"}} {
		if conn, err := net.Dial(one[0], one[1]); err == nil {
			conn.Close()
			t.Errorf("%s still listens", one)
		}
	}
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Error("the folder is still there", err)
	}
}

func TestTheOldestOfTooManyThatDoNotGreetIsClosed(t *testing.T) {
	p, parent := private(t)
	for range maxGreeting + 50 {
		conn, err := net.Dial("tcp", p.address())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	for range 50 {
		take(t, parent.refused)
	}
	visit(t, "tcp", p.address(), p.Token(), nil)
	take(t, parent.up)
}

func TestAConnectionThatIsAskedStaysWhileOthersDoNotGreet(t *testing.T) {
	p, parent := private(t)
	worker := visit(t, "tcp", p.address(), "", nil)
	take(t, worker.got)
	for range maxGreeting + 50 {
		conn, err := net.Dial("tcp", p.address())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	for range 50 {
		take(t, parent.refused)
	}
	p.Expect(os.Getpid())
	if err := take(t, worker.up).Push(answer); err != nil {
		t.Fatal(err)
	}
	take(t, parent.up)
}

func TestOfTooManyThatAreAskedThoseStayThatHaveAnswered(t *testing.T) {
	p, parent := private(t)
	first := visit(t, "tcp", p.address(), "", answer) // it is not decided about before the process is known
	take(t, first.got)
	for range maxAsked {
		visit(t, "tcp", p.address(), "", nil)
	}
	if reason := take(t, parent.refused); !strings.Contains(reason, "too many") {
		t.Error(reason)
	}
	p.Expect(os.Getpid())
	if accepted := take(t, parent.up); accepted.Push([]byte("a call")) != nil {
		t.Error("it is closed")
	}
	if got := take(t, first.got); string(got) != "a call" {
		t.Errorf("it got %q", got)
	}
}

func TestPeersShareABudget(t *testing.T) {
	budget := NewBudget(100)
	greedy, modest := budget.share(), budget.share()
	if !greedy.Take(90) || greedy.Take(20) {
		t.Error("a peer may hold more than an equal part only while there is room")
	}
	if !modest.Take(40) || modest.Take(40) {
		t.Error("a peer may always hold an equal part")
	}
	greedy.Give(90)
	if !modest.Take(40) {
		t.Error("what is given back can be taken")
	}
	modest.leave()
	modest.Give(80)
	if held := budget.held.Load(); held != 0 {
		t.Errorf("%d bytes are still held", held)
	}
	var none *Budget
	if !none.share().Take(1 << 40) {
		t.Error("without a budget there is no bound")
	}
}

func TestAMethodThatTakesLongDoesNotKeepTheLinkFromBeingRead(t *testing.T) {
	server, client := newEnd(), newEnd()
	config := server.config(zmtp.Router)
	release := make(chan struct{})
	took := make(chan time.Duration, 2)
	config.Events.Receive = func(l *Link, payload []byte) {
		if string(payload) == "long" {
			took <- l.Inline(func() { <-release }, func() { client.down <- struct{}{} })
			return
		}
		took <- l.Inline(func() { server.got <- []byte("short") }, func() {})
	}
	listener, err := Listen("127.0.0.1", config, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	l, err := dial(listener, client.config(zmtp.Dealer))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_ = l.Push([]byte("long"))
	_ = l.Push([]byte("short"))
	take(t, client.down)
	take(t, server.got) // although the long one has not returned
	short := take(t, took)
	close(release)
	if long := take(t, took); long < short {
		t.Errorf("the long one took %v, and the short one %v", long, short)
	}
}

func TestWhatIsPushedLaterIsWrittenWhenTheReaderWaits(t *testing.T) {
	server, client := newEnd(), newEnd()
	config := server.config(zmtp.Router)
	release := make(chan struct{})
	config.Events.Receive = func(l *Link, payload []byte) {
		what := string(payload)
		l.Inline(func() {
			_ = l.PushLater([]byte("answer to " + what))
			if what == "long" {
				<-release
			}
		}, func() {})
	}
	listener, err := Listen("127.0.0.1", config, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	defer close(release)
	l, err := dial(listener, client.config(zmtp.Dealer))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, what := range []string{"short", "long"} { // the answer to the long one is written although it does not return
		_ = l.Push([]byte(what))
		if got := take(t, client.got); string(got) != "answer to "+what {
			t.Errorf("%q", got)
		}
	}
	_ = l.Push([]byte("half"))
	conn := l.conn
	_, _ = conn.Write(append(zmtp.AppendHead(nil, 5), "wh"...)) // and while the reader waits for the rest of a message
	_ = take(t, client.got)
	_, _ = conn.Write([]byte("ole"))
	if got := take(t, client.got); string(got) != "answer to whole" {
		t.Errorf("%q", got)
	}
}
