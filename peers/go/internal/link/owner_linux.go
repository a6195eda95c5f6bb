package link

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// isHeldBy reports whether the far end of a loopback connection is held by a process of this user that is pid or descends from
// it.
func isHeldBy(pid int, remote, local *net.TCPAddr) bool {
	uid, inode, ok := ownerOf(remote, local)
	if !ok || uid != os.Getuid() {
		return false
	}
	socket := fmt.Sprintf("socket:[%s]", inode)
	folders, _ := filepath.Glob("/proc/[0-9]*")
	for _, folder := range folders {
		process, err := strconv.Atoi(filepath.Base(folder))
		if err == nil && descends(process, pid) && holds(folder, socket) {
			return true
		}
	}
	return false
}

// ownerOf finds the socket whose own address is remote in the tables of the system.
func ownerOf(remote, local *net.TCPAddr) (uid int, inode string, ok bool) {
	theirs, ours := kernelForm(remote), kernelForm(local)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, _ := os.ReadFile(table)
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			// In the table for IPv6, an IPv4 address is at the end of the host.
			if len(fields) > 9 && strings.HasSuffix(fields[1], theirs) && strings.HasSuffix(fields[2], ours) {
				uid, err := strconv.Atoi(fields[7])
				return uid, fields[9], err == nil
			}
		}
	}
	return 0, "", false
}

// kernelForm writes 127.0.0.1:4000 as the kernel does: 0100007F:0FA0 where the low byte comes first.
func kernelForm(address *net.TCPAddr) string {
	host := address.IP.To4()
	if host == nil {
		return "?"
	}
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(host), address.Port)
}

// descends reports whether a process is the ancestor or one of its descendants.
func descends(process, ancestor int) bool {
	for process > 1 {
		if process == ancestor {
			return true
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", process))
		if err != nil {
			return false
		}
		// After the name, which may contain anything: the state, the parent.
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(fields) < 2 {
			return false
		}
		process, _ = strconv.Atoi(fields[1])
	}
	return false
}

func holds(process, socket string) bool {
	files, _ := filepath.Glob(process + "/fd/*")
	for _, file := range files {
		if target, err := os.Readlink(file); err == nil && target == socket {
			return true
		}
	}
	return false
}
