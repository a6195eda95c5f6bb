package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const registrant = "MULTIFROST_TEST_REGISTER"

// TestMain registers services if the variable registrant is set, and runs the tests otherwise.
func TestMain(m *testing.M) {
	id := os.Getenv(registrant)
	if id == "" {
		os.Exit(m.Run())
	}
	r, err := Open(func(string) {})
	for i := range 10 {
		if err == nil {
			err = r.Register(context.Background(), fmt.Sprintf("%s-%d", id, i), 2000+i)
		}
	}
	for i := range 5 {
		if err == nil {
			err = r.Unregister(context.Background(), fmt.Sprintf("%s-%d", id, i))
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// open returns the registry of a new home folder.
func open(t *testing.T) *Registry {
	t.Helper()
	t.Setenv("HOME", t.TempDir())
	r, err := Open(func(message string) { t.Log(message) })
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *Registry) content(t *testing.T) map[string]map[string]any {
	t.Helper()
	text, err := os.ReadFile(r.file)
	if err != nil {
		t.Fatal(err)
	}
	entries := map[string]map[string]any{}
	if err := json.Unmarshal(text, &entries); err != nil {
		t.Fatal(err)
	}
	return entries
}

func (r *Registry) put(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(r.folder, name)
	if err := os.MkdirAll(r.folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// identity returns the fields of an entry that identify a process that runs.
func identity(pid int) string {
	return fmt.Sprintf(`"pid": %d, "process_started": %q, "boot": %q`, pid, processOf(pid).started, bootID())
}

// deadPID returns the id of a process that has ended.
func deadPID(t *testing.T) int {
	t.Helper()
	command := exec.Command("true")
	if err := command.Run(); err != nil {
		t.Fatal(err)
	}
	return command.Process.Pid
}

func TestRegisterDiscoverUnregister(t *testing.T) {
	r, ctx := open(t), context.Background()
	if err := r.Register(ctx, "math", 4000); err != nil {
		t.Fatal(err)
	}
	found, err := r.Discover(ctx, "math", 0)
	if err != nil || found.Port != 4000 || found.PID != os.Getpid() || time.Since(found.Started) > time.Minute {
		t.Errorf("%+v, %v", found, err)
	}
	for path, mode := range map[string]os.FileMode{r.folder: 0o700, r.file: 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s has mode %v, %v", path, info.Mode(), err)
		}
	}
	if err := r.Unregister(ctx, "math"); err != nil || len(r.content(t)) != 0 {
		t.Error(err, r.content(t))
	}
	if left, _ := filepath.Glob(r.folder + "/*"); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestForeignEntriesAreKept(t *testing.T) {
	r, ctx := open(t), context.Background()
	dead := deadPID(t)
	r.put(t, "services.json", fmt.Sprintf(`{"old": {"port": 1, "pid": %d, "start_time": "2026-01-02T03:04:05Z", "x": 1.0},
		"mine": {"port": 5, "pid": %d}, "odd": [1, 2], "go": {"port": 4001, "start_time": "2026-01-02T03:04:05Z", %s}}`, dead, dead, identity(os.Getpid())))
	if err := r.Register(ctx, "mine", 4000); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(r.file)
	for _, kept := range []string{`"x": 1.0}`, `"odd": [1, 2]`} {
		if !strings.Contains(string(text), kept) {
			t.Errorf("%s is lost from %s", kept, text)
		}
	}
	found, err := r.Discover(ctx, "go", 0)
	if err != nil || found.Started.Year() != 2026 {
		t.Error(found, err)
	}
	var missing *Error
	if _, err := r.Discover(ctx, "old", 0); !errors.As(err, &missing) || missing.Code != CodeNotFound || missing.PID != dead {
		t.Error(err)
	}
	if err := r.Unregister(ctx, "old"); err != nil || !strings.Contains(string(text), `"old"`) {
		t.Error("another's entry was taken out", err)
	}
}

func TestLiveServicesAreNotReplaced(t *testing.T) {
	r, ctx := open(t), context.Background()
	r.put(t, "services.json", fmt.Sprintf(`{"taken": {"port": 7, %s}}`, identity(os.Getppid())))
	var taken *Error
	if err := r.Register(ctx, "taken", 4000); !errors.As(err, &taken) || taken.Code != CodeExists || taken.PID != os.Getppid() || taken.Port != 7 {
		t.Error(err)
	}
	if err := r.Unregister(ctx, "taken"); err != nil || len(r.content(t)) != 1 {
		t.Error("another's entry was taken out", err)
	}
}

func TestCorruptFileIsMovedAside(t *testing.T) {
	for _, text := range []string{"", "[]", "null", "{", `{"a": 1} trailing`} {
		r := open(t)
		r.put(t, "services.json", text)
		if err := r.Register(context.Background(), "math", 4000); err != nil {
			t.Fatal(err)
		}
		aside, _ := filepath.Glob(r.file + ".corrupt-*")
		if len(aside) != 1 {
			t.Fatalf("%q: %v", text, aside)
		}
		if kept, _ := os.ReadFile(aside[0]); string(kept) != text || r.content(t)["math"] == nil {
			t.Errorf("%q became %q", text, kept)
		}
	}
}

func TestEachLockKeepsAWriterOut(t *testing.T) {
	for _, name := range lockNames {
		r := open(t)
		r.LockTimeout = 50 * time.Millisecond
		path := filepath.Join(r.folder, name)
		if name == lockNames[0] {
			r.put(t, "x", "")
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		} else {
			r.put(t, name, fmt.Sprint(os.Getppid()))
		}
		var locked *Error
		if err := r.Register(context.Background(), "math", 4000); !errors.As(err, &locked) || locked.Code != CodeLockTimeout || locked.File != path {
			t.Errorf("%s: %v", name, err)
		}
		for _, other := range lockNames {
			if _, err := os.Stat(filepath.Join(r.folder, other)); (err == nil) != (other == name) {
				t.Errorf("with %s taken, %s: %v", name, other, err)
			}
		}
	}
}

func TestStaleLocksAreBroken(t *testing.T) {
	dead := fmt.Sprint(deadPID(t))
	old := time.Now().Add(-11 * time.Second)
	for name, abandon := range map[string]func(r *Registry){
		"dead holder": func(r *Registry) { r.put(t, "registry.lock", dead); r.put(t, "services.lock", dead+"\n") },
		"old files": func(r *Registry) {
			for _, lock := range lockNames[1:] {
				if err := os.Chtimes(r.put(t, lock, fmt.Sprint(os.Getppid())), old, old); err != nil {
					t.Fatal(err)
				}
			}
		},
		"old directory": func(r *Registry) {
			path := filepath.Dir(r.put(t, "services.json.lock/x", ""))
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
		},
		"dead claim": func(r *Registry) { r.put(t, "registry.lock", dead); r.put(t, "registry.lock.breaking", dead) },
	} {
		r := open(t)
		if name == "old directory" {
			if err := os.MkdirAll(filepath.Join(r.folder, "services.json.lock"), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		abandon(r)
		if err := r.Register(context.Background(), "math", 4000); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if left, _ := filepath.Glob(r.folder + "/*"); len(left) != 1 {
			t.Errorf("%s: left behind are %v", name, left)
		}
	}
}

func TestManyWritersLoseNothing(t *testing.T) {
	r := open(t)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const writers = 6
	commands := make([]*exec.Cmd, writers)
	for i := range commands {
		commands[i] = exec.Command(program)
		commands[i].Env = append(os.Environ(), fmt.Sprintf("%s=writer%d", registrant, i))
		commands[i].Stderr = os.Stderr
		if err := commands[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	for _, command := range commands {
		if err := command.Wait(); err != nil {
			t.Error(err)
		}
	}
	if entries := r.content(t); len(entries) != writers*5 {
		t.Errorf("%d entries are left: %v", len(entries), entries)
	}
}

func TestUnusableRegistryAndInvalidIDsAreErrors(t *testing.T) {
	r := open(t)
	if err := os.WriteFile(r.folder, nil, 0o600); err != nil { // a file where the folder should be
		t.Fatal(err)
	}
	var unusable *Error
	if err := r.Register(context.Background(), "math", 4000); !errors.As(err, &unusable) || unusable.Code != CodeUnavailable {
		t.Error(err)
	}
	for _, id := range []string{"", "a\nb", "a\xff", strings.Repeat("x", 256)} {
		if err := open(t).Register(context.Background(), id, 4000); !errors.As(err, &unusable) || unusable.Code != CodeInvalid {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestDiscoveryWaits(t *testing.T) {
	r := open(t)
	found := make(chan error)
	go func() { _, err := r.Discover(context.Background(), "late", 10*time.Second); found <- err }()
	if err := r.Register(context.Background(), "late", 4000); err != nil {
		t.Fatal(err)
	}
	if err := <-found; err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := r.Discover(ctx, "never", 10*time.Second); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
