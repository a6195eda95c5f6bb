package multifrost

import (
	"fmt"
	"io"
	"os/exec"
	"sync"
	"syscall"
)

// guardScript reads "add 123" and "drop 123", line by line, until the pipe ends: with this process, however it ends. Then it kills the
// process groups that are left. Signals do not end it, as one may go to a whole tree of processes. A line that is cut off does
// not count.
const guardScript = `trap '' HUP INT QUIT TERM
groups=
while read -r change group; do
  kept=
  for known in $groups; do
    [ "$known" = "$group" ] || kept="$kept $known"
  done
  groups=$kept
  [ "$change" = drop ] || groups="$groups $group"
done
for group in $groups; do
  kill -9 "-$group"
done
`

// orphanGuard kills the workers when this process ends without stopping them, in whatever way: a shell outlives it by some
// milliseconds. The shell runs while there are workers. Where it cannot be started, workers have to notice by themselves that
// their parent is gone.
type orphanGuard struct {
	mu     sync.Mutex
	groups map[int]struct{}
	shell  io.WriteCloser // nil while there is none
}

// guard is the one of this process.
var guard = orphanGuard{groups: map[int]struct{}{}}

// add kills this process group after this process, until drop.
func (g *orphanGuard) add(group int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.groups[group] = struct{}{}
	if g.shell != nil {
		g.tell("add", group)
		return
	}
	g.start()
	for known := range g.groups {
		g.tell("add", known)
	}
}

// drop is called when the group has ended.
func (g *orphanGuard) drop(group int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.groups, group)
	g.tell("drop", group)
	if len(g.groups) == 0 {
		g.forget()
	}
}

func (g *orphanGuard) tell(change string, group int) {
	if g.shell == nil {
		return
	}
	if _, err := fmt.Fprintf(g.shell, "%s %d\n", change, group); err != nil {
		g.forget() // it was killed: the next worker starts another one
	}
}

func (g *orphanGuard) forget() {
	if g.shell != nil {
		_ = g.shell.Close()
		g.shell = nil
	}
}

// start runs the shell in its own session, without anything of this process's: what ends its group or terminal does not end the shell.
func (g *orphanGuard) start() {
	shell := exec.Command("/bin/sh", "-c", guardScript, "multifrost-guard")
	shell.Dir = "/"
	shell.Env = []string{}
	shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	stdin, err := shell.StdinPipe()
	if err != nil {
		return
	}
	if err := shell.Start(); err != nil {
		return
	}
	g.shell = stdin
	go func() { _ = shell.Wait() }()
}
