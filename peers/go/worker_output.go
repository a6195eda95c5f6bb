package multifrost

import (
	"fmt"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/multifrost/multifrost-go/internal/wire"
)

// outputGrace is how long what was written last may take to be forwarded at the end: a process that the worker started
// may hold the stream open.
const outputGrace = 500 * time.Millisecond

// tap replaces a stream of this process by a pipe, at its file descriptor, so that also what C code and processes started
// from here write is taken.
type tap struct {
	stream *os.File // os.Stdout or os.Stderr
	real   *os.File // where it went before
	read   *os.File
	done   chan struct{}
}

// forwardOutput sends what this process writes to the parents, line by line, and to where it went before when no parent
// takes it, or also is wanted. It returns what puts the streams back.
func (w *workerLife) forwardOutput(ownsProcess, also bool) (restore func()) {
	if !ownsProcess {
		return func() {}
	}
	var taps []*tap
	for _, stream := range []struct {
		file *os.File
		typ  string
	}{{os.Stdout, wire.Stdout}, {os.Stderr, wire.Stderr}} {
		t, err := openTap(stream.file)
		if err != nil {
			w.log.Warn("Output stays where it is: it cannot be forwarded.", "stream", stream.typ, "error", err)
			continue
		}
		taps = append(taps, t)
		go t.forward(func(line string) {
			if !w.sendLine(stream.typ, line) || also {
				fmt.Fprintln(t.real, line)
			}
		})
		if stream.typ == wire.Stderr {
			// The trace of a panic that ends the process would be written to a pipe that nobody reads any more.
			_ = debug.SetCrashOutput(t.real, debug.CrashOptions{})
			w.log = w.config.log(t.real) // what is told of forwarding is not forwarded in turn
		}
	}
	return func() {
		for _, t := range taps {
			t.restore()
		}
	}
}

// sendLine tells whether a parent took it. A parent that is too slow for its output goes without.
func (w *workerLife) sendLine(typ, line string) bool {
	m := wire.New(typ)
	m.Output = line
	data, err := w.codec.Encode(m)
	if err != nil {
		return false
	}
	taken := false
	for _, l := range w.parents() {
		taken = l.TrySend(data) || taken
	}
	return taken
}

func openTap(stream *os.File) (*tap, error) {
	fd := int(stream.Fd())
	real, err := duplicate(fd)
	if err != nil {
		return nil, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		real.Close()
		return nil, err
	}
	defer write.Close()
	// Whoever writes there expects a stream that blocks.
	_ = syscall.SetNonblock(int(write.Fd()), false)
	if err := replaceFD(int(write.Fd()), fd); err != nil {
		real.Close()
		read.Close()
		return nil, err
	}
	return &tap{stream: stream, real: real, read: read, done: make(chan struct{})}, nil
}

func (t *tap) forward(line func(string)) {
	defer close(t.done)
	splitLines(t.read, line)
}

// restore puts the stream back; the pipe ends with it, and with it the forwarding.
func (t *tap) restore() {
	_ = replaceFD(int(t.real.Fd()), int(t.stream.Fd()))
	select {
	case <-t.done:
	case <-time.After(outputGrace):
	}
	_ = t.read.Close()
}
