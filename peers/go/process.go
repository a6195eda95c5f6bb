package multifrost

import (
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/multifrost/multifrost-go/internal/wire"
)

const (
	// exitGrace is how long a worker may take to exit after the shutdown message.
	exitGrace = time.Second
	// termGrace is how long it may take to exit after SIGTERM.
	termGrace = 2 * time.Second
	// pipeGrace is how long the last output may take to arrive after the exit: a process that the worker started may hold
	// the pipe open.
	pipeGrace = 250 * time.Millisecond
	// tailBytes is how much of stderr is kept for errors.
	tailBytes = 4096
)

// process is a worker's process.
type process struct {
	cmd     *exec.Cmd
	command string
	exited  chan struct{} // closed when it has ended, and exit is set
	exit    Exit
	stderr  stderrTail
	pipes   sync.WaitGroup
}

// startProcess runs the plan, with these environment variables in addition to those of the plan and of this process. It always
// reads the output and passes it to lines.
func startProcess(plan *launchPlan, variables []string, lines func(stream, line string)) (*process, error) {
	p := &process{command: plan.command, exited: make(chan struct{})}
	p.cmd = exec.Command(plan.program, plan.args...)
	p.cmd.Dir = plan.dir
	p.cmd.Env = append(wire.WithoutSpawnVariables(append(os.Environ(), plan.env...)), variables...)
	stdout, err := p.pipe(func(line string) { lines(wire.Stdout, line) })
	if err != nil {
		return nil, p.failed(err)
	}
	defer stdout.Close()
	stderr, err := p.pipe(func(line string) { p.stderr.add(line); lines(wire.Stderr, line) })
	if err != nil {
		return nil, p.failed(err)
	}
	defer stderr.Close()
	p.cmd.Stdout, p.cmd.Stderr = stdout, stderr
	// A process group for the worker: what a wrapper or the worker itself starts can be ended with it.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, p.failed(err)
	}
	guard.add(p.cmd.Process.Pid)
	go p.wait()
	return p, nil
}

// pipe returns the end of a pipe to which the worker writes.
func (p *process) pipe(line func(string)) (*os.File, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.pipes.Add(1)
	go func() {
		defer p.pipes.Done()
		defer read.Close()
		splitLines(read, line)
	}()
	return write, nil
}

func (p *process) failed(err error) error {
	e := spawnRefused(CodeSpawnFailed, p.command, "the worker could not be started: %v: %s", err, p.command)
	e.Err = err
	return e
}

func (p *process) wait() {
	_ = p.cmd.Wait()
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // what it started ends with it
	guard.drop(p.cmd.Process.Pid)
	p.awaitPipes()
	p.exit = Exit{ExitCode: p.cmd.ProcessState.ExitCode(), Command: p.command, StderrTail: p.stderr.String()}
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		p.exit.Signal = status.Signal().String()
	}
	close(p.exited)
}

func (p *process) awaitPipes() {
	read := make(chan struct{})
	go func() { p.pipes.Wait(); close(read) }()
	select {
	case <-read:
	case <-time.After(pipeGrace):
	}
}

func (p *process) kill() { p.signal(syscall.SIGKILL) }

// signal signals the process and everything in its process group, unless the process has ended.
func (p *process) signal(signal syscall.Signal) {
	if p.cmd.Process.Signal(syscall.Signal(0)) == nil {
		_ = syscall.Kill(-p.cmd.Process.Pid, signal)
	}
}

// end waits for the process to exit if it was asked to, then sends SIGTERM, then SIGKILL.
func (p *process) end(asked bool) {
	if asked && p.endedWithin(exitGrace) {
		return
	}
	p.signal(syscall.SIGTERM)
	if !p.endedWithin(termGrace) {
		p.kill()
	}
	<-p.exited
}

func (p *process) endedWithin(limit time.Duration) bool {
	select {
	case <-p.exited:
		return true
	case <-time.After(limit):
		return false
	}
}

// stderrTail keeps the last bytes of what the worker wrote to stderr.
type stderrTail struct {
	mu   sync.Mutex
	text string
}

func (t *stderrTail) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text += line + "\n"
	if cut := len(t.text) - tailBytes; cut > 0 {
		t.text = strings.ToValidUTF8(t.text[cut:], "")
	}
}

func (t *stderrTail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimRight(t.text, "\n")
}
