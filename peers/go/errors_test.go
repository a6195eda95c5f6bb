package multifrost

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/multifrost/multifrost-go/internal/wire"
)

func TestErrorTextsAreLowerCaseWithoutAFullStop(t *testing.T) {
	connect := func(id string) error {
		_, err := Connect(within(t), id, WithDiscoverTimeout(0))
		return err
	}
	call := func(w *ParentWorker, args ...any) error {
		_, err := w.CallFunction(within(t), "Add", args...)
		return err
	}
	running := started(t, "worker")
	for name, err := range map[string]error{
		"unknown service":   connect("unknown"),
		"empty service id":  connect(""),
		"no script":         Spawn("/nowhere/worker.py").Start(within(t)),
		"no directory":      Spawn("x", WithDir("/nowhere")).Start(within(t)),
		"not started":       call(Spawn("worker.py")),
		"started twice":     running.Start(within(t)),
		"unsendable":        call(running, func() {}),
		"no methods":        NewWorker(struct{}{}).Serve(context.Background()),
		"not configured":    NewWorker(&fixture{}).Serve(context.Background()),
		"worker exited":     workerExited("add", Exit{ExitCode: 3, Command: "worker"}),
		"timeout":           &TimeoutError{FunctionName: "add", After: time.Second},
		"killed as stalled": workerExited("add", Exit{ExitCode: -1, Signal: "killed", Stalled: time.Minute}),
		"timeout, unsent":   &TimeoutError{FunctionName: "add", After: time.Second, NotSent: true},
		"circuit open":      &CircuitOpenError{FunctionName: "add"},
		"circuit of method": &CircuitOpenError{FunctionName: "add", OfMethod: true},
		"overload":          &OverloadError{Limit: 5},
		"unreadable answer": &wire.Fault{What: decodeFault(t)},
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		text := err.Error()
		if unicode.IsUpper([]rune(text)[0]) || strings.HasSuffix(text, ".") || regexp.MustCompile(`[a-z]\. `).MatchString(text) {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func decodeFault(t *testing.T) string {
	t.Helper()
	_, fault := wire.NewCodec("", Limits{}).Decode([]byte{0xc1})
	if fault == nil {
		t.Fatal("0xc1 is a message")
	}
	return fault.What
}

// Callers in other languages see these texts, and older ones recognize refusals by them.
func TestTextsForOtherLanguagesAreSentences(t *testing.T) {
	w := started(t, "worker")
	_, err := w.CallFunction(within(t), "Missing")
	var refused *RemoteCallError
	if !errors.As(err, &refused) || refused.RemoteMessage != "Function 'Missing' not found" {
		t.Error(err)
	}
	if got := sentence(decodeFault(t)); !strings.HasPrefix(got, "A message of 1 bytes cannot be read") || !strings.HasSuffix(got, ".") {
		t.Error(got)
	}
}
