package multifrost

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/multifrost/multifrost-go/internal/link"
	"github.com/multifrost/multifrost-go/internal/wire"
)

// notFound is an error with fields of all kinds.
type notFound struct {
	Code    int               `json:"code"`
	Row     int               `json:"row"`
	Details map[string]string `json:"details"`
	Call    func()
	Loop    *notFound
	Err     error
	When    time.Time
	private int
}

func (e *notFound) Error() string { return "no row " + strconv.Itoa(e.Row) }
func (e *notFound) Unwrap() error { return e.Err }

// listed is an error that cannot be compared, and wraps itself.
type listed []error

func (l listed) Error() string   { return "listed" }
func (l listed) Unwrap() []error { return l }

func (*fixture) Find(row int) error {
	_, missing := os.ReadFile("/no/such/file")
	return &notFound{Code: 404, Row: row, Details: map[string]string{"table": "rows"}, Err: missing, private: 1}
}

func (*fixture) FindAll() error {
	return errors.Join(&notFound{Row: 1}, fmt.Errorf("while finding: %w", errors.New("no table")))
}

// sentAs returns an error as a caller gets it.
func sentAs(t *testing.T, err error) *RemoteCallError {
	t.Helper()
	codec := wire.NewCodec("", Limits{})
	f := failureOf(err)
	answer := wire.Answer(wire.Error, "i")
	answer.Error, answer.Metadata = f.Message, map[string]any{"error": f.parts()}
	data, failed := codec.Encode(answer)
	if failed != nil {
		t.Fatal(failed)
	}
	m, fault := codec.Decode(data)
	if fault != nil {
		t.Fatal(fault)
	}
	return remoteError(m, "find")
}

func TestAnErrorArrivesWithItsFieldsAndWhatItWraps(t *testing.T) {
	w := started(t, "worker", WithCircuit(1000, time.Second))
	_, err := w.CallFunction(within(t), "Find", 7)
	var found *RemoteCallError
	if !errors.As(err, &found) {
		t.Fatal(err)
	}
	details, _ := found.RemoteData["details"].(map[string]any)
	if found.RemoteName != "notFound" || found.RemoteCode != "404" || found.RemoteData["row"] != int64(7) || details["table"] != "rows" {
		t.Errorf("%+v", found)
	}
	for _, name := range []string{"Call", "Err", "private", "code"} {
		if value, ok := found.RemoteData[name]; ok {
			t.Errorf("its data has %s: %v", name, value)
		}
	}
	if c := found.Cause; c == nil || c.RemoteName != "PathError" || c.RemoteData["Path"] != "/no/such/file" || c.Cause.RemoteName != "Errno" {
		t.Errorf("its cause is %+v", c)
	}
	_, err = w.CallFunction(within(t), "FindAll")
	if !errors.As(err, &found) || len(found.Errors) != 2 || found.Errors[1].Cause.RemoteMessage != "no table" {
		t.Errorf("%+v", found)
	}
	if !errors.Is(err, found.Errors[0]) || !errors.Is(err, found.Errors[1].Cause) {
		t.Error("errors.Is does not find what it wraps")
	}
}

func TestWrappedErrorsAreBounded(t *testing.T) {
	deep := errors.New("0")
	for range 1000 {
		deep = fmt.Errorf("%d: %w", 1, deep)
	}
	depth := 0
	for e := sentAs(t, deep); e.Cause != nil; e = e.Cause {
		depth++
	}
	if depth != maxErrorDepth {
		t.Errorf("%d causes arrive", depth)
	}
	many := make([]error, 10_000)
	for i := range many {
		many[i] = errors.New("m")
	}
	if n := len(sentAs(t, errors.Join(many...)).Errors); n != maxErrors-1 {
		t.Errorf("%d joined errors arrive", n)
	}
	itself := &notFound{Row: 1}
	itself.Err, itself.Loop = itself, itself
	if e := sentAs(t, itself); e.Cause != nil || e.RemoteData["Loop"] != nil {
		t.Errorf("%+v", e)
	}
	list := listed{nil, (*notFound)(nil)}
	list[0] = list
	if e := sentAs(t, list); e.RemoteMessage != "listed" {
		t.Errorf("%+v", e)
	}
}

type large struct {
	Large, Fits, More string
	Small             int
}

func (large) Error() string { return strings.Repeat("é", 10_000_000) }

func TestTextsAndFieldsOfErrorsAreBounded(t *testing.T) {
	err := &large{Large: strings.Repeat("x", 70_000), Fits: strings.Repeat("y", 60_000), More: strings.Repeat("z", 6_000), Small: 1}
	e := sentAs(t, &notFound{Err: err})
	if n := len(e.Cause.RemoteMessage); n > maxNestedText+10 {
		t.Errorf("the message of a cause has %d bytes", n)
	}
	if data := e.Cause.RemoteData; len(data) != 2 || data["Fits"] == nil || data["Small"] != int64(1) {
		t.Errorf("%d fields arrive", len(data))
	}
	if n := len(sentAs(t, err).RemoteMessage); n > maxErrorText+10 {
		t.Errorf("the message has %d bytes", n)
	}
}

func TestAnErrorBeyondALimitLosesItsDetailsFirst(t *testing.T) {
	w := &workerLifecycle{codec: wire.NewCodec("", Limits{MessageBytes: 1000})}
	f := &failure{Name: "E", Message: "m", Stack: "at x", Code: "C", Data: map[string]any{"text": strings.Repeat("x", 2000)}}
	var sent *wire.Message
	for _, attempt := range []*failure{f, f.shortened(keptLengths[0])} {
		answer := wire.Answer(wire.Error, "i")
		answer.Error, answer.Metadata = attempt.Message, map[string]any{"error": attempt.parts()}
		err := w.sendBy(func(_ *link.Link, data []byte) error { sent, _ = w.codec.Decode(data); return nil }, nil, answer)
		if err == nil {
			break
		}
	}
	if e := remoteError(sent, ""); e.RemoteStack != "at x" || e.RemoteCode != "C" || e.RemoteData != nil {
		t.Errorf("%+v", e)
	}
}

func partsOf(message, name string, code any) map[string]any {
	return map[string]any{"name": name, "message": message, "code": code}
}

func TestPartsOfOtherTypesAreLeftOut(t *testing.T) {
	read := func(parts any, text string) *RemoteCallError {
		m := wire.Answer(wire.Error, "i")
		m.Error, m.Metadata = text, map[string]any{"error": parts}
		return remoteError(m, "f")
	}
	odd := map[string]any{"name": 5, "message": "m", "code": 5.5, "stack": 5, "cause": "c", "errors": map[string]any{}, "data": []any{1}}
	if e := read(odd, ""); e.RemoteName != "Error" || e.RemoteCode+e.RemoteStack != "" || len(e.Unwrap()) > 0 || e.RemoteData != nil {
		t.Errorf("%+v", e)
	}
	if e := read(nil, "Function not found: x"); e.Code != CodeFunctionNotFound {
		t.Errorf("%+v", e)
	}
	stopping := "This worker is stopping and takes no more calls"
	for name, parts := range map[string]any{
		"now": partsOf(stopping, "RefusedCall", "STOPPING"), "older Go": partsOf(stopping, "NotRunningError", nil),
		"older Python": partsOf(stopping, "CallError", "NOT_RUNNING"), "text alone": nil,
	} {
		if e := read(parts, stopping); e.Code != CodeStopping || e.RemoteCode != "" {
			t.Errorf("%s: %+v", name, e)
		}
	}
	for _, parts := range []any{partsOf(stopping, "Error", nil), partsOf(stopping, "Error", "E"), partsOf("other", "E", "STOPPING")} {
		if e := read(parts, ""); e.Code != CodeRemoteError {
			t.Errorf("%+v", e)
		}
	}
	var file *fs.PathError
	if errors.As(read(odd, ""), &file) {
		t.Error("a remote error is a local one")
	}
}
