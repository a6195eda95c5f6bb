package link

import (
	"net"
	"os"
	"testing"
)

func TestTheOwnerOfAConnectionIsFoundWithAndWithoutNetlink(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	theirs, ours := conn.LocalAddr().(*net.TCPAddr), conn.RemoteAddr().(*net.TCPAddr)
	uid, inode := ownerByTable(theirs, ours)
	if uid != os.Getuid() || inode == 0 {
		t.Errorf("the table says user %d, inode %d", uid, inode)
	}
	if u, i, err := ownerByNetlink(theirs, ours); u != uid || i != inode || err != nil {
		t.Errorf("netlink says user %d, inode %d, %v; the table says %d, %d", u, i, err, uid, inode)
	}
	nothing := &net.TCPAddr{IP: theirs.IP, Port: 1}
	if _, i, err := ownerByNetlink(nothing, ours); i != 0 || err != nil {
		t.Errorf("netlink says inode %d, %v", i, err)
	}
	if _, i := ownerByTable(nothing, ours); i != 0 {
		t.Errorf("the table says inode %d", i)
	}
	if !isHeldBy(os.Getpid(), theirs, ours) || !isHeldBy(os.Getppid(), theirs, ours) {
		t.Error("it is of this process, which descends from its parent")
	}
}
