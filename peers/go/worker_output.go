package multifrost

import (
	"fmt"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/multifrost/multifrost-go/internal/wire"
)

// outputGrace is how long the last output may take to be forwarded at the end: a process that the worker started may hold
// the stream open.
const outputGrace = 500 * time.Millisecond

// tap replaces a stream of this process with a pipe, at its file descriptor, so that output of C code and child processes
// is forwarded too.
type tap struct {
	stream *os.File // os.Stdout or os.Stderr
	real   *os.File // where it went before
	read   *os.File
	done   chan struct{}
}

// forwardOutput sends what this process writes to the parents, line by line. Lines go to the original stream if also is
// true or no parent takes them. The returned function restores the streams.
func (w *workerLifecycle) forwardOutput(ownsProcess, also bool) (restore func()) {
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
			w.log.Warn("cannot forward output", "stream", stream.typ, "error", err)
			continue
		}
		taps = append(taps, t)
		go t.forward(func(line string) {
			if !w.sendLine(stream.typ, line) || also {
				fmt.Fprintln(t.real, line)
			}
		})
		if stream.typ == wire.Stderr {
			// Otherwise the trace of a panic that ends the process would go to the pipe and be lost.
			_ = debug.SetCrashOutput(t.real, debug.CrashOptions{})
			w.log = w.config.log(t.real) // log lines about forwarding are not forwarded
		}
	}
	return func() {
		for _, t := range taps {
			t.restore()
		}
	}
}

// sendLine reports whether a parent took the line. A parent whose queue is full does not get it.
func (w *workerLifecycle) sendLine(typ, line string) bool {
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
	// Programs expect writes to these streams to block.
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

// restore restores the stream, which closes the pipe and ends the forwarding.
func (t *tap) restore() {
	_ = replaceFD(int(t.real.Fd()), int(t.stream.Fd()))
	select {
	case <-t.done:
	case <-time.After(outputGrace):
	}
	_ = t.read.Close()
}
