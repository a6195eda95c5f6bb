package multifrost

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// family is a parent in another process, its worker, and what that has started.
type family struct {
	parent                        *os.Process
	worker, inGroup, inOwnSession int
}

func newFamily(t *testing.T) family {
	t.Helper()
	program, _ := os.Executable()
	parent := exec.Command(program)
	parent.Env = append(os.Environ(), roleVariable+"=parent-of-family")
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	f := family{parent: parent.Process}
	_, err = fmt.Fscan(stdout, &f.worker, &f.inGroup, &f.inOwnSession)
	t.Cleanup(func() {
		_ = parent.Process.Kill()
		_ = parent.Wait()
		for _, pid := range []int{f.worker, f.inGroup, f.inOwnSession} {
			if pid != 0 && !isGone(pid) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestAKilledParentLeavesNothing(t *testing.T) {
	deaths := map[string][]syscall.Signal{
		"SIGKILL": {syscall.SIGKILL}, "SIGQUIT": {syscall.SIGQUIT}, "SIGINT": {syscall.SIGINT},
		"SIGSTOP, then SIGKILL": {syscall.SIGSTOP, syscall.SIGKILL},
	}
	for name, signals := range deaths {
		t.Run(name, func(t *testing.T) {
			f := newFamily(t)
			_ = syscall.Kill(f.worker, syscall.SIGSTOP) // it cannot notice by itself
			for _, signal := range signals {
				_ = f.parent.Signal(signal)
			}
			f.expectEnd(t)
		})
	}
	t.Run("together with its worker", func(t *testing.T) {
		f := newFamily(t)
		_ = f.parent.Signal(syscall.SIGSTOP)
		_ = syscall.Kill(f.worker, syscall.SIGKILL)
		_ = f.parent.Kill()
		f.expectEnd(t)
	})
	t.Run("nor does a worker that is killed", func(t *testing.T) {
		f := newFamily(t)
		_ = syscall.Kill(f.worker, syscall.SIGKILL)
		f.expectEnd(t)
	})
}

func (f family) expectEnd(t *testing.T) {
	t.Helper()
	eventually(t, "the worker is gone", func() bool { return isGone(f.worker) })
	eventually(t, "what it started is gone", func() bool { return isGone(f.inGroup) })
	if isGone(f.inOwnSession) {
		t.Error("what made its own session is gone")
	}
}
