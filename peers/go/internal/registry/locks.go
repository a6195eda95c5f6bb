package registry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// lockTimeout is how long a write waits for its locks.
	lockTimeout = 10 * time.Second
	// staleAfter is the age at which a lock is broken whoever holds it.
	staleAfter = 10 * time.Second
	// retryEvery is the least pause between two tries; chance adds up to three times that.
	retryEvery = 5 * time.Millisecond
)

// lockNames in the order in which they are taken. None of the older implementations excludes the others; a writer that
// holds all three excludes every one of them.
var lockNames = []string{"services.json.lock", "registry.lock", "services.lock"}

// lock is one that this process has made. info tells it from a later one at the same path.
type lock struct {
	path string
	info fs.FileInfo
}

type lockSet []lock

// lock takes the three locks, or none.
func (r *Registry) lock(ctx context.Context, deadline time.Time) (lockSet, error) {
	var locks lockSet
	for _, name := range lockNames {
		taken, err := r.take(ctx, filepath.Join(r.folder, name), deadline, locks)
		if err != nil {
			locks.release()
			return nil, err
		}
		locks = append(locks, taken)
	}
	return locks, nil
}

// take tries until the deadline; the try that comes after it is still a whole one, as by then a lock that was fresh when
// the waiting began is stale.
func (r *Registry) take(ctx context.Context, path string, deadline time.Time, held lockSet) (lock, error) {
	for {
		last := !time.Now().Before(deadline)
		info, err := tryLock(path)
		if err == nil {
			return lock{path, info}, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return lock{}, err
		}
		if breakStale(path) {
			continue
		}
		if last {
			return lock{}, r.locked(path)
		}
		held.touch()
		select {
		case <-ctx.Done():
			return lock{}, context.Cause(ctx)
		case <-time.After(retryEvery + rand.N(3*retryEvery)):
		}
	}
}

func (r *Registry) locked(path string) error {
	holder := "another program"
	pid, ok := readPID(path)
	if ok {
		holder = fmt.Sprintf("process %d", pid)
	}
	return &Error{Code: CodeLockTimeout, File: path, PID: pid,
		Message: fmt.Sprintf("The service registry is locked: %s was still held by %s after %v. Try again; if the holder is "+
			"stuck, end it, and its lock is broken by the next one who needs it.", path, holder, r.LockTimeout)}
}

// tryLock makes the lock: a directory for services.json.lock, otherwise a file with this process's pid.
func tryLock(path string) (fs.FileInfo, error) {
	if filepath.Base(path) == lockNames[0] {
		if err := os.Mkdir(path, 0o700); err != nil {
			return nil, err
		}
		return os.Lstat(path)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if _, err := file.WriteString(strconv.Itoa(os.Getpid())); err != nil {
		os.Remove(path)
		return nil, err
	}
	return file.Stat()
}

// held tells whether every lock still is this process's.
func (s lockSet) held() bool {
	for _, l := range s {
		if now, err := os.Lstat(l.path); err != nil || !os.SameFile(now, l.info) {
			return false
		}
	}
	return true
}

// touch keeps a long wait from making the locks held so far look abandoned.
func (s lockSet) touch() {
	now := time.Now()
	for _, l := range s {
		os.Chtimes(l.path, now, now)
	}
}

// release lets go in reverse, leaving locks that are not this process's any more.
func (s lockSet) release() {
	for i := len(s) - 1; i >= 0; i-- {
		if now, err := os.Lstat(s[i].path); err == nil && os.SameFile(now, s[i].info) {
			os.Remove(s[i].path)
		}
	}
}

// breakStale removes an abandoned lock, and tells whether trying again at once is worth it. Only the holder of the claim
// beside the lock may break it, and what it removes it first renames and looks at again, so that of several who try at
// most one breaks a lock, and none a fresh one.
func breakStale(path string) bool {
	claim := path + ".breaking"
	if _, err := tryLock(claim); err != nil {
		if seen, err := os.Lstat(claim); err == nil && isStale(claim, seen) {
			removeJudged(claim, seen)
		}
		return false
	}
	defer os.Remove(claim)
	seen, err := os.Lstat(path)
	return err == nil && isStale(path, seen) && removeJudged(path, seen)
}

func removeJudged(path string, judged fs.FileInfo) bool {
	aside := fmt.Sprintf("%s.broken-%d-%d", path, os.Getpid(), rand.Uint64())
	if os.Rename(path, aside) != nil {
		return false
	}
	now, err := os.Lstat(aside)
	if err != nil || !os.SameFile(now, judged) || !now.ModTime().Equal(judged.ModTime()) {
		os.Rename(aside, path)
		return false
	}
	return os.RemoveAll(aside) == nil
}

// isStale goes by the holder's pid, where the lock has one, and by age.
func isStale(path string, seen fs.FileInfo) bool {
	if time.Since(seen.ModTime()) >= staleAfter {
		return true
	}
	pid, ok := readPID(path)
	return ok && !alive(pid)
}

func readPID(path string) (int, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid, err == nil && pid > 0
}

// alive tells whether a process with this id runs, whoever owns it.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
