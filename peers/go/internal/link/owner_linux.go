package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// looking is held while all processes are looked at, which takes milliseconds.
var looking sync.Mutex

// isHeldBy reports whether the far end of a loopback connection is held by a process of this user that is pid or descends from
// it.
func isHeldBy(pid int, remote, local *net.TCPAddr) bool {
	uid, inode, err := ownerByNetlink(remote, local)
	if err != nil { // a sandbox may have no netlink
		uid, inode = ownerByTable(remote, local)
	}
	if inode == 0 || uid != os.Getuid() {
		return false
	}
	socket := fmt.Sprintf("socket:[%d]", inode)
	if holds(fmt.Sprintf("/proc/%d", pid), socket) {
		return true
	}
	looking.Lock()
	defer looking.Unlock()
	folders, _ := filepath.Glob("/proc/[0-9]*")
	for _, folder := range folders {
		process, err := strconv.Atoi(filepath.Base(folder))
		if err == nil && descends(process, pid) && holds(folder, socket) {
			return true
		}
	}
	return false
}

// ownerByNetlink finds the socket whose own address is remote. It takes 20 µs, however many connections there are; reading 25,000
// lines of the tables takes 40 ms. The inode is 0 if there is no such socket.
func ownerByNetlink(remote, local *net.TCPAddr) (uid, inode int, err error) {
	const (
		sockDiag         = 4
		sockDiagByFamily = 20
	)
	// See sock_diag(7). Numbers are in the order of this machine, ports in that of the network.
	order := binary.NativeEndian
	request := order.AppendUint32(nil, syscall.NLMSG_HDRLEN+56)
	request = order.AppendUint16(request, sockDiagByFamily)
	request = order.AppendUint16(request, syscall.NLM_F_REQUEST)
	request = append(request, make([]byte, 8)...) // no sequence number and no port
	request = append(request, syscall.AF_INET, syscall.IPPROTO_TCP, 0, 0)
	request = order.AppendUint32(request, ^uint32(0)) // in any state
	request = binary.BigEndian.AppendUint16(request, uint16(remote.Port))
	request = binary.BigEndian.AppendUint16(request, uint16(local.Port))
	for _, address := range []*net.TCPAddr{remote, local} {
		request = append(append(request, address.IP.To4()...), make([]byte, 12)...)
	}
	request = order.AppendUint32(request, 0)          // on any device
	request = order.AppendUint64(request, ^uint64(0)) // with any cookie
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, sockDiag)
	if err != nil {
		return 0, 0, err
	}
	defer syscall.Close(fd)
	if err := syscall.Sendto(fd, request, 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return 0, 0, err
	}
	buffer := make([]byte, 4096)
	length, _, err := syscall.Recvfrom(fd, buffer, 0)
	if err != nil {
		return 0, 0, err
	}
	messages, err := syscall.ParseNetlinkMessage(buffer[:length])
	if err != nil || len(messages) == 0 {
		return 0, 0, errors.Join(err, syscall.EBADMSG)
	}
	return readDiag(messages[0])
}

// readDiag reads the answer: the user and the inode of a socket, or an error number.
func readDiag(message syscall.NetlinkMessage) (uid, inode int, err error) {
	const uidAt = 4 + 48 + 3*4 // behind family and state, what the request said, and the queues
	data := message.Data
	switch {
	case message.Header.Type == syscall.NLMSG_ERROR && len(data) >= 4:
		number := syscall.Errno(-int32(binary.NativeEndian.Uint32(data)))
		if number == syscall.ENOENT {
			return 0, 0, nil
		}
		return 0, 0, number
	case len(data) < uidAt+8:
		return 0, 0, syscall.EBADMSG
	}
	return int(binary.NativeEndian.Uint32(data[uidAt:])), int(binary.NativeEndian.Uint32(data[uidAt+4:])), nil
}

// ownerByTable finds it in the tables of the system.
func ownerByTable(remote, local *net.TCPAddr) (uid, inode int) {
	theirs, ours := kernelForm(remote), kernelForm(local)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, _ := os.ReadFile(table)
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			// In the table for IPv6, an IPv4 address is at the end of the host.
			if len(fields) > 9 && strings.HasSuffix(fields[1], theirs) && strings.HasSuffix(fields[2], ours) {
				uid, _ = strconv.Atoi(fields[7])
				inode, _ = strconv.Atoi(fields[9])
				return uid, inode
			}
		}
	}
	return 0, 0
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
