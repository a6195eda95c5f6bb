package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// judged is what interop/liveness.json says about a process.
type judged struct {
	Started string `json:"started"`
}

func (j *judged) running() *running {
	if j == nil {
		return nil
	}
	return &running{j.Started}
}

func TestAllLanguagesAgreeOnLiveness(t *testing.T) {
	text, err := os.ReadFile("../../../../interop/liveness.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases struct {
		Entries []struct {
			Name   string
			Entry  json.RawMessage
			System struct {
				OwnPID  int
				Boot    string
				Running *judged
				Answers bool
			}
			Live bool
		}
		Stats []struct {
			Name, Text string
			Running    *judged
		}
	}
	if err := json.Unmarshal(text, &cases); err != nil || len(cases.Entries) < 50 || len(cases.Stats) < 9 {
		t.Fatal(err, len(cases.Entries), len(cases.Stats))
	}
	for _, c := range cases.Entries {
		e, ok := parseEntry(c.Entry)
		is := judge(e, c.System.OwnPID, c.System.Boot, c.System.Running.running())
		if got := ok && (is == live || is == unclear && c.System.Answers); got != c.Live {
			t.Errorf("%s: live is %v", c.Name, got)
		}
	}
	for _, c := range cases.Stats {
		if got, want := parseStat(c.Text), c.Running.running(); (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("%s: %+v", c.Name, got)
		}
	}
}

// zombie returns the pid of a process that has ended, and that its parent has not asked how.
func zombie(t *testing.T) int {
	t.Helper()
	ended := exec.Command("true")
	if err := ended.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ended.Wait() })
	pid := ended.Process.Pid
	for text, err := []byte{}, error(nil); !strings.Contains(string(text), ") Z "); {
		if text, err = os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err != nil {
			t.Fatal(err)
		}
		runtime.Gosched()
	}
	return pid
}

func TestAServiceStartsAgainWhereItsPIDCameBack(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	r, ctx := open(t), context.Background()
	own := identity(os.Getpid())
	stale := map[string]string{
		"older":   fmt.Sprintf(`{"port": 45678, "pid": %d, "started": "2020-01-01T00:00:00.000Z"}`, os.Getpid()),
		"process": fmt.Sprintf(`{"port": 1, "pid": %d, "process_started": "1", "boot": %q}`, os.Getpid(), bootID()),
		"boot":    `{"port": 1, ` + strings.Replace(own, bootID(), "00000000-0000-4000-8000-000000000000", 1) + `}`,
		"wrong":   fmt.Sprintf(`{"port": 1, "pid": %d, "process_started": 7, "boot": null}`, os.Getpid()),
		"zombie":  fmt.Sprintf(`{"port": 1, "pid": %d}`, zombie(t)),
		"other":   `{"port": 1, ` + strings.Replace(own, fmt.Sprint(os.Getpid()), "1", 1) + `}`,
		"silent":  fmt.Sprintf(`{"port": 1, "pid": %d}`, os.Getppid()),
	}
	entries := services{}
	for id, text := range stale {
		entries[id] = json.RawMessage(text)
	}
	r.put(t, "services.json", string(format(entries)))
	for id := range stale {
		var refused *Error
		if _, err := r.Discover(ctx, id, 0); !errors.As(err, &refused) || refused.Code != CodeNotFound {
			t.Errorf("%s: %v", id, err)
		}
		if err := r.Register(ctx, id, 5000); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		if err := r.Register(ctx, id, 5001); !errors.As(err, &refused) || refused.Code != CodeExists {
			t.Errorf("%s: %v", id, err)
		}
		if found, err := r.Discover(ctx, id, 0); err != nil || found.Port != 5000 {
			t.Errorf("%s: %v, %v", id, found, err)
		}
	}
}

func TestAPortThatIsNoServiceDoesNotAnswer(t *testing.T) {
	for name, serve := range map[string]func(net.Conn){
		"closes": func(net.Conn) {},
		"HTTP":   func(c net.Conn) { fmt.Fprintf(c, "HTTP/1.1 400 Bad Request\r\n\r\n%80s", "") },
		"zeros":  func(c net.Conn) { c.Write(make([]byte, 1<<20)) },
		"echoes": func(c net.Conn) {
			for buffer := make([]byte, 1024); ; {
				n, err := c.Read(buffer)
				if err != nil {
					return
				}
				c.Write(buffer[:n])
			}
		},
	} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if c, err := listener.Accept(); err == nil {
				defer c.Close()
				serve(c)
			}
		}()
		if answersHeartbeat(listener.Addr().(*net.TCPAddr).Port) {
			t.Error(name)
		}
		listener.Close()
	}
}

func TestWhatIsNoRegularFileIsRefusedAtOnce(t *testing.T) {
	for kind, put := range map[string]func(path string) error{
		"a FIFO":      func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a device":    func(path string) error { return os.Symlink("/dev/zero", path) },
		"a directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"a socket": func(path string) error {
			listener, err := net.Listen("unix", path)
			if err == nil {
				t.Cleanup(func() { listener.Close() })
			}
			return err
		},
	} {
		r := open(t)
		r.put(t, "x", "")
		if err := put(r.file); err != nil {
			t.Fatal(err)
		}
		_, found := r.Discover(context.Background(), "math", time.Hour)
		for _, err := range []error{found, r.Register(context.Background(), "math", 4000)} {
			var refused *Error
			if !errors.As(err, &refused) || refused.Code != CodeUnavailable || !strings.Contains(err.Error(), "is "+kind+", not a regular file; remove it") {
				t.Errorf("%s: %v", kind, err)
			}
		}
	}
}

func TestAFolderThatOthersCanChangeIsRefused(t *testing.T) {
	r, ctx := open(t), context.Background()
	if err := r.Register(ctx, "math", 4000); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o777, 0o702} {
		if err := os.Chmod(r.folder, mode); err != nil {
			t.Fatal(err)
		}
		_, found := r.Discover(ctx, "math", time.Hour)
		for _, err := range []error{found, r.Register(ctx, "other", 4000)} {
			var refused *Error
			if !errors.As(err, &refused) || refused.Code != CodeUnavailable || !strings.Contains(err.Error(), fmt.Sprintf("mode 0%o", mode)) {
				t.Fatal(err)
			}
			_, command, _ := strings.Cut(err.Error(), "then run: ")
			if command != "chmod 700 '"+r.folder+"'" {
				t.Error(command)
			}
		}
	}
	if err := os.Chmod(r.folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can give a folder away")
	}
	if err := os.Chown(r.folder, 4711, -1); err != nil {
		t.Fatal(err)
	}
	_, found := r.Discover(ctx, "math", time.Hour)
	for _, err := range []error{found, r.Register(ctx, "other", 4000)} {
		if !strings.HasSuffix(err.Error(), "chown -R 0 '"+r.folder+"'") {
			t.Error(err)
		}
	}
}

func TestTheRegistryIsNotBelowTheWorkingFolder(t *testing.T) {
	this, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	for _, home := range []string{"", ".", "relative/home"} {
		t.Setenv("HOME", home)
		if r, err := Open(nil); err != nil || r.folder != filepath.Join(this.HomeDir, ".multifrost") {
			t.Errorf("%q: %+v, %v", home, r, err)
		}
	}
}

func TestALookAtAFileThatIsBeingWrittenIsRepeated(t *testing.T) {
	r := open(t)
	path := r.put(t, "services.json", "")
	content := fmt.Sprintf(`{"math": {"port": 4000, %s}}`, identity(os.Getpid()))
	sleep = func(time.Duration) { // the other program goes on writing
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Error(err)
		}
	}
	defer func() { sleep = time.Sleep }()
	if _, err := r.Discover(context.Background(), "math", 0); err != nil {
		t.Error(err)
	}
	r.put(t, "services.json", content[:20])
	if err := r.Register(context.Background(), "other", 4000); err != nil || len(r.content(t)) != 2 {
		t.Error(err, r.content(t))
	}
}

func TestALockDatedInTheFutureIsJudgedByItsHolder(t *testing.T) {
	later := time.Now().Add(time.Minute)
	for holder, stale := range map[string]bool{
		fmt.Sprint(os.Getppid()): false,
		fmt.Sprint(deadPID(t)):   true,
		fmt.Sprint(os.Getpid()):  true, // of an earlier process with this pid
		"":                       true,
	} {
		for _, name := range lockNames[1:] {
			r := open(t)
			r.LockTimeout = 50 * time.Millisecond
			if err := os.Chtimes(r.put(t, name, holder), later, later); err != nil {
				t.Fatal(err)
			}
			if err := r.Register(context.Background(), "math", 4000); (err == nil) != stale {
				t.Errorf("%s of %q: %v", name, holder, err)
			}
		}
	}
}

func TestALockOfAnEarlierProcessWithThisPIDIsBroken(t *testing.T) {
	r := open(t)
	for _, name := range lockNames[1:] {
		r.put(t, name, fmt.Sprint(os.Getpid()))
	}
	if err := r.Register(context.Background(), "math", 4000); err != nil {
		t.Error(err)
	}
}

func TestTheDirectoryLockIsJudgedByItsNote(t *testing.T) {
	r := open(t)
	r.put(t, "x", "")
	path := filepath.Join(r.folder, lockNames[0])
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	r.put(t, lockNames[0]+".holder", fmt.Sprintf("%d %d-1", deadPID(t), info.Sys().(*syscall.Stat_t).Ino))
	if err := r.Register(context.Background(), "math", 4000); err != nil {
		t.Error(err)
	}
}

func TestAFIFOInThePlaceOfALockIsALock(t *testing.T) {
	r := open(t)
	r.put(t, "x", "")
	old := time.Now().Add(-time.Minute)
	for _, name := range lockNames[1:] {
		path := filepath.Join(r.folder, name)
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Register(context.Background(), "math", 4000); err != nil {
		t.Error(err)
	}
}
