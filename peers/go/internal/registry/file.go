package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"
)

// services is the content of the file. Entries stay text, so that those of other implementations do not change.
type services map[string]json.RawMessage

// read returns the entries, none if there is no file. It reports in ok whether the file is a JSON map.
func (r *Registry) read() (found services, ok bool, err error) {
	text, err := os.ReadFile(r.file)
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
	found, ok, err := r.read()
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

// entry is an entry of the registry. The older Go implementation wrote start_time instead of started.
type entry struct {
	Port      int    `json:"port"`
	PID       int    `json:"pid"`
	Started   string `json:"started,omitempty"`
	StartTime string `json:"start_time,omitempty"`
}

func parseEntry(text json.RawMessage) (entry, bool) {
	var e entry
	if json.Unmarshal(text, &e) != nil || e.Port < 1 || e.Port > 65535 || e.PID < 1 {
		return entry{}, false
	}
	if e.Started == "" {
		e.Started = e.StartTime
	}
	return e, true
}
