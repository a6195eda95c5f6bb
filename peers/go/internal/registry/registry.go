// Package registry reads and writes ~/.multifrost/services.json, where services are found by name.
package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// DiscoverTimeout is how long discovery waits for a service by default.
	DiscoverTimeout = 5 * time.Second
	// discoverEvery is the time between two reads of the file.
	discoverEvery = 100 * time.Millisecond
	// maxIDLength is the most characters that a service id may have.
	maxIDLength = 255
)

// Codes of errors.
const (
	CodeExists      = "SERVICE_EXISTS"
	CodeNotFound    = "SERVICE_NOT_FOUND"
	CodeLockTimeout = "LOCK_TIMEOUT"
	CodeUnavailable = "REGISTRY_UNAVAILABLE"
	CodeInvalid     = "INVALID_OPTION"
)

// Error reports what the registry refused or could not do.
type Error struct {
	Code, Message   string
	ServiceID, File string
	PID, Port       int
	Err             error
}

func (e *Error) Error() string { return e.Message }
func (e *Error) Unwrap() error { return e.Err }

// Service is a live entry.
type Service struct {
	ID      string
	Port    int
	PID     int
	Started time.Time // zero if the entry has no time
}

// Registry is the registry of one home folder.
type Registry struct {
	folder string
	file   string
	// LockTimeout bounds the waiting for locks. Default: 10 s.
	LockTimeout time.Duration
	// Warn logs a warning.
	Warn func(message string)
}

// Open returns the registry in $HOME, or in the home folder that the system has for the user if that is no absolute path. It
// reads and creates nothing.
func Open(warn func(string)) (*Registry, error) {
	home := os.Getenv("HOME")
	if !filepath.IsAbs(home) {
		this, err := user.Current()
		if err != nil || !filepath.IsAbs(this.HomeDir) {
			return nil, &Error{Code: CodeUnavailable, Err: err, Message: "the service registry is in the home folder, but HOME " +
				"is not an absolute path and the system knows no home of this user; set HOME to an absolute path"}
		}
		home = this.HomeDir
	}
	folder := filepath.Join(home, ".multifrost")
	file := filepath.Join(folder, "services.json")
	return &Registry{folder: folder, file: file, LockTimeout: lockTimeout, Warn: warn}, nil
}

// Register adds an entry for this process. The error is an *Error with CodeExists, CodeLockTimeout, CodeUnavailable or
// CodeInvalid, or that of ctx.
func (r *Registry) Register(ctx context.Context, id string, port int) error {
	if err := checkID(id); err != nil {
		return err
	}
	return r.update(ctx, func(entries services) (bool, error) {
		if other, ok := parseEntry(entries[id]); ok && other.isLive() {
			return false, r.exists(id, other)
		}
		raw, err := json.Marshal(ownEntry(port))
		entries[id] = raw
		return true, err
	})
}

// Unregister removes the entry, if it belongs to this process.
func (r *Registry) Unregister(ctx context.Context, id string) error {
	return r.update(ctx, func(entries services) (bool, error) {
		if own, ok := parseEntry(entries[id]); !ok || own.PID != os.Getpid() {
			return false, nil
		}
		delete(entries, id)
		return true, nil
	})
}

// Discover waits until the service is registered and its process runs, for at most timeout. It takes no lock.
func (r *Registry) Discover(ctx context.Context, id string, timeout time.Duration) (Service, error) {
	if err := checkID(id); err != nil {
		return Service{}, err
	}
	deadline := time.Now().Add(timeout)
	for {
		last := !time.Now().Before(deadline)
		look := r.read
		if last {
			look = r.readWhole
		}
		entries, _, err := look()
		if err != nil {
			return Service{}, r.unavailable("read", err)
		}
		found, ok := parseEntry(entries[id])
		if ok && found.isLive() {
			return found.service(id), nil
		}
		if last {
			return Service{}, r.notFound(id, timeout, entries)
		}
		select {
		case <-ctx.Done():
			return Service{}, context.Cause(ctx)
		case <-time.After(min(discoverEvery, time.Until(deadline))):
		}
	}
}

func (e entry) service(id string) Service {
	started, _ := time.Parse(time.RFC3339Nano, string(e.Started))
	return Service{ID: id, Port: e.Port, PID: e.PID, Started: started}
}

// update applies a change to the entries under the locks. It starts over if this process was suspended for so long that
// its locks were broken.
func (r *Registry) update(ctx context.Context, change func(services) (changed bool, err error)) error {
	err := os.MkdirAll(r.folder, 0o700)
	if err == nil {
		err = r.checkFolder()
	}
	if err == nil {
		err = os.Chmod(r.folder, 0o700)
	}
	deadline := time.Now().Add(r.LockTimeout)
	for done := false; err == nil && !done; {
		done, err = r.updateOnce(ctx, deadline, change)
	}
	var pathError *fs.PathError
	var linkError *os.LinkError
	if errors.As(err, &pathError) || errors.As(err, &linkError) || errors.As(err, &errIrregular{}) {
		return r.unavailable("written", err)
	}
	return err
}

func (r *Registry) updateOnce(ctx context.Context, deadline time.Time, change func(services) (bool, error)) (bool, error) {
	locks, err := r.lock(ctx, deadline)
	if err != nil {
		return false, err
	}
	defer locks.release()
	entries, err := r.readOrSetAside()
	if err != nil {
		return false, err
	}
	changed, err := change(entries)
	if err != nil || !changed {
		return true, err
	}
	return r.replace(entries, locks.held)
}

func (r *Registry) exists(id string, other entry) error {
	return &Error{Code: CodeExists, ServiceID: id, File: r.file, PID: other.PID, Port: other.Port,
		Message: fmt.Sprintf("service '%s' is already registered by process %d on port %d, which is still running; "+
			"stop that process first, or register under another name", id, other.PID, other.Port)}
}

func (r *Registry) notFound(id string, timeout time.Duration, entries services) error {
	e := &Error{Code: CodeNotFound, ServiceID: id, File: r.file}
	there, advice := "no service is registered there", "start the service first, or check its name"
	if dead, ok := parseEntry(entries[id]); ok {
		e.PID, e.Port = dead.PID, dead.Port
		there = fmt.Sprintf("its entry lists process %d on port %d, but the service does not run there", dead.PID, dead.Port)
		advice = "start the service again"
	} else if len(entries) > 0 {
		there = "registered there are " + names(entries)
	}
	e.Message = fmt.Sprintf("service '%s' was not found in %s within %v: %s; %s", id, r.file, timeout, there, advice)
	return e
}

func names(entries services) string {
	const most = 10
	quoted := make([]string, 0, len(entries))
	for id := range entries {
		quoted = append(quoted, "'"+id+"'")
	}
	slices.Sort(quoted)
	if len(quoted) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(quoted[:most], ", "), len(quoted)-most)
	}
	return strings.Join(quoted, ", ")
}

// unavailable returns the error for a cause, which may be one already.
func (r *Registry) unavailable(verb string, cause error) error {
	if known := (*Error)(nil); errors.As(cause, &known) {
		return known
	}
	if irregular := (errIrregular{}); errors.As(cause, &irregular) {
		return &Error{Code: CodeUnavailable, File: r.file, Err: cause,
			Message: fmt.Sprintf("the service registry %s is %s, not a regular file; remove it or move it away: the next service "+
				"that registers makes a new one", r.file, irregular.kind)}
	}
	return &Error{Code: CodeUnavailable, File: r.file, Err: cause,
		Message: fmt.Sprintf("the service registry %s cannot be %s: %v; make sure that %s is a directory that this user "+
			"can read and write, or set HOME to another", r.file, verb, cause, r.folder)}
}

func checkID(id string) error {
	switch {
	case id == "":
		return &Error{Code: CodeInvalid, Message: "a service id must not be empty"}
	case utf8.RuneCountInString(id) > maxIDLength:
		return &Error{Code: CodeInvalid, Message: fmt.Sprintf("a service id must not have more than %d characters", maxIDLength)}
	case !utf8.ValidString(id) || strings.ContainsFunc(id, unicode.IsControl):
		return &Error{Code: CodeInvalid, Message: fmt.Sprintf("the service id %q contains a control character or invalid UTF-8", id)}
	}
	return nil
}
