package registry

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// liveness says whether the service of an entry runs.
type liveness int

const (
	gone    liveness = iota // its process has ended, or another has its pid
	live                    // its process runs
	unclear                 // it runs if its port answers a heartbeat
)

// running is what the system says about a process that runs.
type running struct {
	started string // on Linux field 22 of /proc/<pid>/stat; empty if the system does not say
}

// judge decides whether the service of an entry runs (REG-13). A pid alone does not tell a process from a later one with the
// same, so the entry also says when its process started and in which boot. One that does not is of an older implementation.
// The process is nil if none has the pid, and boot is empty if the system has no id for it.
func judge(e entry, ownPID int, boot string, process *running) liveness {
	if process == nil {
		return gone
	}
	if e.ProcessStarted != "" {
		if e.Boot != "" && boot != "" && string(e.Boot) != boot {
			return gone
		}
		if string(e.Boot) == boot && process.started != "" {
			if string(e.ProcessStarted) == process.started {
				return live
			}
			return gone
		}
	}
	if e.PID == ownPID && process.started != "" {
		return gone // this process would have said when it started
	}
	return unclear
}

// isLive decides by this machine. It takes up to 2 s if the port has to be asked.
func (e entry) isLive() bool {
	switch judge(e, os.Getpid(), bootID(), processOf(e.PID)) {
	case live:
		return true
	case unclear:
		return answersHeartbeat(e.Port)
	default:
		return false
	}
}

// alive reports whether a process with this id runs, even as another user.
func alive(pid int) bool { return processOf(pid) != nil }

// processOf returns the process with this id, nil if none runs or a zombie is left of it.
func processOf(pid int) *running {
	if err := syscall.Kill(pid, 0); err != nil && !errors.Is(err, syscall.EPERM) {
		return nil
	}
	if !hasOwnProc() {
		return &running{}
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return &running{}
	}
	return parseStat(string(stat))
}

// parseStat reads /proc/<pid>/stat. The name in it may have spaces and parentheses.
func parseStat(stat string) *running {
	fields := strings.Split(stat[min(strings.LastIndexByte(stat, ')')+2, len(stat)):], " ")
	field := func(at int) string {
		if at < len(fields) {
			return fields[at]
		}
		return ""
	}
	threads, _ := strconv.Atoi(field(17))
	// A process whose first thread has ended looks like a zombie, but runs as long as it has other threads.
	if state := field(0); (state == "Z" || state == "X") && threads <= 1 {
		return nil
	}
	if _, err := strconv.ParseUint(field(19), 10, 64); err != nil {
		return &running{}
	}
	return &running{field(19)}
}

// bootID returns the id of this boot of the machine, or nothing.
func bootID() string {
	text, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // only Linux has it
	return strings.TrimSpace(string(text))
}

// hasOwnProc reports whether /proc has this process's ids: it may belong to another PID namespace.
func hasOwnProc() bool {
	if runtime.GOOS != "linux" {
		return false
	}
	self, err := os.Readlink("/proc/self")
	return err == nil && self == strconv.Itoa(os.Getpid())
}
