package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// services is the content of the file. Entries stay text, so that those of other implementations do not change.
type services map[string]json.RawMessage

const (
	// looks is how often a file is read that another program may be writing, at intervals of looksApart.
	looks      = 10
	looksApart = 10 * time.Millisecond
)

// sleep is another function in tests.
var sleep = time.Sleep

// errIrregular reports that a file is a directory, a FIFO, a device or a socket. Reading some of them never ends.
type errIrregular struct{ kind string }

func (e errIrregular) Error() string { return "it is " + e.kind + ", not a regular file" }

// readRegularFile reads a file, and does not wait for the other end of a FIFO.
func readRegularFile(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ENXIO) {
		return nil, errIrregular{"a socket"}
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return io.ReadAll(file)
	case mode.IsDir():
		return nil, errIrregular{"a directory"}
	case mode&fs.ModeNamedPipe != 0:
		return nil, errIrregular{"a FIFO"}
	default:
		return nil, errIrregular{"a device"}
	}
}

// checkFolder refuses a folder in which other users could send callers to another program.
func (r *Registry) checkFolder() error {
	info, err := os.Stat(r.folder)
	if err != nil || !info.IsDir() {
		return nil // the file in it says more
	}
	user, quoted := os.Geteuid(), "'"+strings.ReplaceAll(r.folder, "'", `'\''`)+"'"
	if system, ok := info.Sys().(*syscall.Stat_t); ok && int(system.Uid) != user {
		return &Error{Code: CodeUnavailable, File: r.file,
			Message: fmt.Sprintf("the folder %s of the service registry belongs to user %d, and this process runs as user %d; "+
				"run it as that user, set HOME to the home of user %[3]d, or give the folder to user %[3]d: chown -R %[3]d %[4]s",
				r.folder, system.Uid, user, quoted)}
	}
	if mode := info.Mode().Perm(); mode&0o002 != 0 {
		return &Error{Code: CodeUnavailable, File: r.file,
			Message: fmt.Sprintf("every user of this machine can write the folder %s of the service registry (mode %04o), and so "+
				"send callers to another program; remove what is not yours from it, then run: chmod 700 %s", r.folder, mode, quoted)}
	}
	return nil
}

// readWhole is read, but reads a file that is no JSON map again for 0.1 s: it may be about to become one.
func (r *Registry) readWhole() (found services, ok bool, err error) {
	for range looks {
		if found, ok, err = r.read(); ok || err != nil {
			break
		}
		sleep(looksApart)
	}
	return found, ok, err
}

// read returns the entries, none if there is no file. It reports in ok whether the file is a JSON map.
func (r *Registry) read() (found services, ok bool, err error) {
	if err := r.checkFolder(); err != nil {
		return nil, false, err
	}
	text, err := readRegularFile(r.file)
	if errors.Is(err, fs.ErrNotExist) {
		return services{}, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	if json.Unmarshal(text, &found) != nil || found == nil {
		return nil, false, nil
	}
	return found, true, nil
}

// readOrSetAside reads the entries. It moves a file that is no JSON map aside, so that it can be repaired. The caller must
// hold the locks.
func (r *Registry) readOrSetAside() (services, error) {
	found, ok, err := r.readWhole()
	if err != nil || ok {
		return found, err
	}
	aside := r.file + ".corrupt-" + time.Now().UTC().Format("2006-01-02T15-04-05.000000000Z")
	if err := os.Rename(r.file, aside); err != nil {
		return nil, err
	}
	r.Warn(fmt.Sprintf("the service registry %s was no JSON map and was moved to %s; start the services that were registered "+
		"in it again, or repair the file and move it back", r.file, aside))
	return services{}, nil
}

// replace writes the entries to a temporary file, syncs it to the disk, and renames it, so that readers see either the old
// or the new entries. Just before the rename it calls held, and replaces nothing if that returns false.
func (r *Registry) replace(entries services, held func() bool) (done bool, err error) {
	temporary, err := os.CreateTemp(r.folder, "services.json.*.tmp") // made with mode 0600
	if err != nil {
		return false, err
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(format(entries))
	if err = errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return false, err
	}
	if !held() {
		return false, nil
	}
	return true, os.Rename(temporary.Name(), r.file)
}

func format(entries services) []byte {
	ids := make([]string, 0, len(entries))
	for id := range entries {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	var out bytes.Buffer
	out.WriteString("{")
	for i, id := range ids {
		if i > 0 {
			out.WriteString(",")
		}
		name, _ := json.Marshal(id)
		fmt.Fprintf(&out, "\n  %s: %s", name, entries[id])
	}
	out.WriteString("\n}\n")
	return out.Bytes()
}

// entry is an entry of the registry. The older Go implementation wrote start_time instead of started. ProcessStarted and Boot
// tell its process from others with the same pid; older implementations do not write them.
type entry struct {
	Port           int  `json:"port"`
	PID            int  `json:"pid"`
	Started        text `json:"started,omitempty"`
	StartTime      text `json:"start_time,omitempty"`
	ProcessStarted text `json:"process_started,omitempty"`
	Boot           text `json:"boot,omitempty"`
}

// text is empty if the field has a value of another type.
type text string

func (t *text) UnmarshalJSON(data []byte) error {
	var value string
	if json.Unmarshal(data, &value) == nil {
		*t = text(value)
	}
	return nil
}

// ownEntry returns the entry of a service in this process.
func ownEntry(port int) entry {
	e := entry{Port: port, PID: os.Getpid(), Started: text(time.Now().UTC().Format("2006-01-02T15:04:05.000Z"))}
	if process := processOf(e.PID); process != nil && process.started != "" {
		e.ProcessStarted, e.Boot = text(process.started), text(bootID())
	}
	return e
}

func parseEntry(raw json.RawMessage) (entry, bool) {
	var e entry
	if json.Unmarshal(raw, &e) != nil || e.Port < 1 || e.Port > 65535 || e.PID < 1 {
		return entry{}, false
	}
	if e.Started == "" {
		e.Started = e.StartTime
	}
	return e, true
}
