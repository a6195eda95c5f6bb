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
	"sync"
	"syscall"
	"time"
)

const (
	// lockTimeout is how long a write waits for its locks.
	lockTimeout = 10 * time.Second
	// staleAfter is the age at which a lock is broken, even if its holder still runs.
	staleAfter = 10 * time.Second
	// retryEvery is the shortest pause between two attempts. A random part adds up to three times that.
	retryEvery = 5 * time.Millisecond
)

// lockNames are the locks, in the order in which they are taken. Each older implementation takes only one of them (REG-8).
// A writer that holds all three excludes all of them.
var lockNames = []string{"services.json.lock", "registry.lock", "services.lock"}

// lock is a lock that this process holds. info distinguishes it from a later one at the same path.
type lock struct {
	path string
	info fs.FileInfo
}

// lockSet has the locks that are held, and the channel of their folder.
type lockSet struct {
	locks  []lock
	writer chan struct{}
}

// writers has a channel for each folder, with a value in it while a goroutine of this process writes there.
var writers sync.Map

func writerIn(folder string) chan struct{} {
	writer, _ := writers.LoadOrStore(folder, make(chan struct{}, 1))
	return writer.(chan struct{})
}

// lock takes the three locks, or none.
func (r *Registry) lock(ctx context.Context, deadline time.Time) (lockSet, error) {
	locks := lockSet{writer: writerIn(r.folder)}
	select {
	case locks.writer <- struct{}{}:
	case <-ctx.Done():
		return locks, context.Cause(ctx)
	case <-time.After(max(time.Until(deadline), time.Millisecond)):
		return locks, r.locked(filepath.Join(r.folder, lockNames[0]))
	}
	for _, name := range lockNames {
		taken, err := r.take(ctx, filepath.Join(r.folder, name), deadline, locks)
		if err != nil {
			locks.release()
			return locks, err
		}
		locks.locks = append(locks.locks, taken)
	}
	return locks, nil
}

// take tries to take a lock until the deadline, and once after it: a lock that was new when the waiting began is stale by
// then.
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
		Message: fmt.Sprintf("the service registry is locked: %s was still held by %s after %v; try again, and if the holder "+
			"hangs, end it: the next writer then breaks its lock", path, holder, r.LockTimeout)}
}

// tryLock creates the lock: a directory for services.json.lock, otherwise a file with the pid of this process.
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

// held reports whether this process still holds every lock.
func (s lockSet) held() bool {
	for _, l := range s.locks {
		if now, err := os.Lstat(l.path); err != nil || !os.SameFile(now, l.info) {
			return false
		}
	}
	return true
}

// touch updates the times of the locks, so that they do not become stale during a long wait.
func (s lockSet) touch() {
	now := time.Now()
	for _, l := range s.locks {
		os.Chtimes(l.path, now, now)
	}
}

// release removes the locks in reverse order, except those that this process no longer holds, and lets the next goroutine
// write.
func (s lockSet) release() {
	defer func() { <-s.writer }()
	for i := len(s.locks) - 1; i >= 0; i-- {
		l := s.locks[i]
		if now, err := os.Lstat(l.path); err == nil && os.SameFile(now, l.info) {
			os.Remove(l.path)
		}
	}
}

// breakStale removes a stale lock, and reports whether it did. Only the holder of the claim, a second lock at path.breaking,
// may break the lock. It renames the lock and checks it again before it removes it, so that at most one of several
// processes breaks a lock, and none breaks a new one.
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

// isStale reports whether a lock is too old, or its holder does not hold it any more. The age of a lock that is dated in the
// future says nothing, as the clock was set back since.
func isStale(path string, seen fs.FileInfo) bool {
	age := time.Since(seen.ModTime())
	if age >= staleAfter {
		return true
	}
	pid, ok := holderOf(path, seen)
	if !ok {
		return age <= -staleAfter
	}
	// One goroutine of this process writes in a folder, so another one with its pid took the lock that it waits for.
	return pid == os.Getpid() || !alive(pid)
}

// holderOf returns the pid of a lock's holder, if it is known. That of a directory is in a file next to it, with the inode of
// the directory.
func holderOf(path string, seen fs.FileInfo) (int, bool) {
	if !seen.IsDir() {
		return readPID(path)
	}
	text, _ := readRegularFile(path + ".holder")
	pid, identity, _ := strings.Cut(string(text), " ")
	inode, _, _ := strings.Cut(identity, "-")
	if system, ok := seen.Sys().(*syscall.Stat_t); !ok || inode != strconv.FormatUint(uint64(system.Ino), 10) {
		return 0, false
	}
	return parsePID(pid)
}

func readPID(path string) (int, bool) {
	text, err := readRegularFile(path)
	if err != nil {
		return 0, false
	}
	return parsePID(strings.TrimSpace(string(text)))
}

func parsePID(text string) (int, bool) {
	pid, err := strconv.Atoi(text)
	return pid, err == nil && pid > 0
}
