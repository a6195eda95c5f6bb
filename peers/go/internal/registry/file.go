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

// services is the file's content: entries as text, so that what others wrote stays as it is.
type services map[string]json.RawMessage

// read gives the entries; none where there is no file yet. ok is false where the file is not a JSON map.
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

// readOrSetAside moves a file that is no registry aside, for a person to look at. Called under the locks, when nobody
// is in the middle of writing it.
func (r *Registry) readOrSetAside() (services, error) {
	found, ok, err := r.read()
	if err != nil || ok {
		return found, err
	}
	aside := r.file + ".corrupt-" + time.Now().UTC().Format("2006-01-02T15-04-05.000000000Z")
	if err := os.Rename(r.file, aside); err != nil {
		return nil, err
	}
	r.Warn(fmt.Sprintf("The service registry %s did not hold a JSON map. It was moved to %s and an empty one takes its "+
		"place. Start the services that were registered in it again, or repair the file and move it back.", r.file, aside))
	return services{}, nil
}

// replace writes the entries to a temporary file, to the disk, and renames it: whoever reads the file sees the old
// entries or the new ones. held is asked at the last moment; when it says no, nothing is replaced.
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

// entry is what an entry means to us. Go's older implementation wrote start_time.
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
