package multifrost

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/multifrost/multifrost-go/internal/wire"
)

// peakMemory returns the most memory that a process has used, in bytes.
func peakMemory(t *testing.T, pid int) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	kib, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

// raceDetector reports whether the race detector is on, which uses several times the memory.
func raceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// largeHead is the beginning of a message of 60 MiB.
var largeHead = []byte{1, 0, 2, 0, 0, 0, 0, 0x03, 0xc0, 0, 0}

// What one parent does costs the others at most a bounded delay, and bounded memory.
func TestAHostileParentCostsTheOthersLittle(t *testing.T) {
	bound := 96 << 20 // the service holds 8 MiB for its parents; the rest is the runtime, and what is being decoded
	if raceDetector() {
		bound *= 4
	}
	for name, attack := range map[string]func(t *testing.T, port int){
		"30 messages of 60 MiB at a time": func(t *testing.T, port int) {
			for range 30 {
				p := connect(t, port)
				p.shake("DEALER")
				_, _ = p.Write(largeHead)
				for range 60 {
					if _, err := p.Write(make([]byte, 1<<20)); err != nil {
						break // the service has ended the connection
					}
				}
			}
		},
		"a million tiny frames": func(t *testing.T, port int) {
			p := connect(t, port)
			p.shake("DEALER")
			_, _ = p.Write(bytes.Repeat(frame(1, nil), 1<<20))
			if _, err := io.Copy(io.Discard, p); err != nil {
				t.Log(err)
			}
		},
		"a million tiny messages": func(t *testing.T, port int) {
			p := connect(t, port)
			p.shake("DEALER")
			_, _ = p.Write(bytes.Repeat(append(frame(1, nil), frame(0, nil)...), 1<<20))
		},
		"a decode bomb": func(t *testing.T, port int) {
			p := connect(t, port)
			p.shake("DEALER")
			m := wire.New(wire.Call)
			m.Function, m.Namespace, m.Args = "Echo", "default", []any{"here"}
			data, _ := wire.NewCodec("", Limits{}).Encode(m)
			items := 999_999 // in each of three arrays: empty maps
			head := []byte{0xdd, byte(items >> 24), byte(items >> 16), byte(items >> 8), byte(items)}
			many := append(head, bytes.Repeat([]byte{0x80}, items)...)
			bombed := bytes.Replace(data, append([]byte{0xa4}, "here"...), append([]byte{0x93}, bytes.Repeat(many, 3)...), 1)
			p.send(frame(1, nil), frame(0, bombed))
			answer := p.answer()
			if parts, _ := answer.Metadata["error"].(map[string]any); parts["code"] != CodeOverloaded {
				t.Errorf("%+v", answer)
			}
		},
		"answers that are not read": func(t *testing.T, port int) {
			p := connect(t, port)
			p.shake("DEALER")
			m := wire.New(wire.Call)
			m.Function, m.Namespace, m.Args = "Echo", "default", []any{make([]byte, 1<<20)}
			data, _ := wire.NewCodec("", Limits{}).Encode(m)
			for range 100 {
				if _, err := p.Write(append(frame(1, nil), frame(0, data)...)); err != nil {
					break
				}
			}
		},
		"calls of methods that never return": func(t *testing.T, port int) {
			p := connect(t, port)
			p.shake("DEALER")
			for range 100_000 {
				m := wire.New(wire.Call)
				m.Function, m.Namespace = "Stuck", "default"
				data, _ := wire.NewCodec("", Limits{}).Encode(m)
				if _, err := p.Write(append(frame(1, nil), frame(0, data)...)); err != nil {
					break
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			id := strings.ReplaceAll(name, " ", "-")
			process := serviceOf(t, "narrow-service", id)
			w := connected(t, id)
			before := peakMemory(t, process.Process.Pid)
			attack(t, int(registeredServices(t)[id]["port"].(float64)))
			began := time.Now()
			if n, err := Call[int](within(t), w, "Add", 1, 2); n != 3 || err != nil {
				t.Error(n, err)
			}
			took := time.Since(began)
			works(t, id)
			peak := peakMemory(t, process.Process.Pid)
			if peak > bound {
				t.Errorf("the service used %d MiB, and %d before", peak>>20, before>>20)
			}
			t.Logf("the next call took %v; the service used %d MiB at most, %d before", took, peak>>20, before>>20)
		})
	}
}

func TestAParentMayEndAServiceOnlyIfThatIsAllowed(t *testing.T) {
	for role, allowed := range map[string]bool{"service": false, "open-service": true} {
		process := serviceOf(t, role, "ending-"+role)
		connected(t, "ending-"+role)
		p := connect(t, int(registeredServices(t)["ending-"+role]["port"].(float64)))
		p.shake("DEALER")
		p.call(wire.New(wire.Shutdown))
		if allowed {
			if err := process.Wait(); err != nil {
				t.Error(err)
			}
			continue
		}
		// It goes on: the heartbeat behind the shutdown message is answered.
		p.call(newHeartbeat())
		if m := p.answer(); m.Type != wire.Heartbeat {
			t.Errorf("%+v", m)
		}
		works(t, "ending-"+role)
	}
}

func TestOneCallMayUseWhatTheServiceHoldsForItsParents(t *testing.T) {
	serviceOf(t, "narrow-service", "narrow")
	w := connected(t, "narrow")
	for range 20 { // what an answered call held is given back
		if data, err := Call[[]byte](within(t), w, "Echo", make([]byte, 2<<20)); len(data) != 2<<20 || err != nil {
			t.Fatal(len(data), err)
		}
	}
	_, err := w.CallFunction(within(t), "Bytes", make([]byte, 20<<20))
	var lost *ConnectionError
	if !errors.As(err, &lost) {
		t.Error(err)
	}
	if n, err := Call[int](within(t), w, "Bytes", make([]byte, 2<<20)); n != 2<<20 || err != nil {
		t.Error("it does not come back", n, err)
	}
}

func TestAParentWithManyCallsLeavesOthersTheirShare(t *testing.T) {
	serviceOf(t, "short-service", "short")
	greedy, modest := connected(t, "short"), connected(t, "short")
	refused := make(chan error, 11)
	for range 11 {
		go func() { _, err := greedy.CallFunction(t.Context(), "Stuck"); refused <- err }()
	}
	var remote *RemoteCallError
	if err := <-refused; !errors.As(err, &remote) || remote.Code != CodeOverloaded {
		t.Fatal(err)
	}
	for range 20 {
		if n, err := Call[int](within(t), modest, "Add", 1, 2); n != 3 || err != nil {
			t.Fatal(n, err)
		}
	}
}
