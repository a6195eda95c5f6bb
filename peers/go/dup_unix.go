//go:build unix && !linux

package multifrost

import (
	"os"
	"syscall"
)

// replaceFD makes fd another name for from.
func replaceFD(from, fd int) error { return syscall.Dup2(from, fd) }

// duplicate opens another descriptor for the file at fd, which child processes do not inherit.
func duplicate(fd int) (*os.File, error) {
	copied, err := syscall.Dup(fd)
	if err != nil {
		return nil, err
	}
	syscall.CloseOnExec(copied)
	return os.NewFile(uintptr(copied), "stream"), nil
}
