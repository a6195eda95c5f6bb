package multifrost

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/multifrost/multifrost-go/internal/wire"
)

// vector is a message with its bytes, the same for all languages: see interop/README.md.
type vector struct {
	Name    string            `json:"name"`
	Rules   []string          `json:"rules"`
	Hex     string            `json:"hex"`
	Outcome string            `json:"outcome"`
	Message map[string]any    `json:"message"`
	Written bool              `json:"written"`
	Answers string            `json:"answers"`
	Remote  map[string]any    `json:"remote"`
	Except  map[string]string `json:"except"`
}

func TestVectorsOfAllLanguages(t *testing.T) {
	files, err := filepath.Glob("../../interop/vectors/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	count := 0
	for _, file := range files {
		for _, v := range readVectors(t, file) {
			count++
			t.Run(v.Name, func(t *testing.T) { checkVector(t, v) })
		}
	}
	if count < 120 {
		t.Errorf("only %d vectors were read", count)
	}
}

func readVectors(t *testing.T, file string) []vector {
	t.Helper()
	text, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	decoder := json.NewDecoder(text)
	decoder.UseNumber()
	var vectors []vector
	if err := decoder.Decode(&vectors); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return vectors
}

func checkVector(t *testing.T, v vector) {
	data, err := hex.DecodeString(v.Hex)
	if err != nil {
		t.Fatal(err)
	}
	codec := wire.NewCodec("", Limits{})
	m, fault := codec.Decode(data)
	outcome := "read"
	if fault != nil {
		outcome = "dropped"
		if fault.Ignored() {
			outcome = "ignored"
		}
	}
	if outcome != v.Outcome {
		t.Fatalf("%v: the message is %s, not %s (%v)", v.Rules, outcome, v.Outcome, fault)
	}
	if v.Message == nil {
		return
	}
	want := untagMap(t, v.Message)
	if got := fieldsOfMessage(m); canonical(got) != canonical(want) {
		t.Errorf("%v: read\n  %s, not\n  %s", v.Rules, canonical(got), canonical(want))
	}
	if _, excepted := v.Except["go"]; v.Written && !excepted {
		checkWritten(t, v, codec, messageOfFields(want))
	}
	if v.Answers != "" {
		checkAnswer(t, v, codec, m.Timestamp)
	}
	if v.Remote != nil {
		checkRemote(t, v, m)
	}
}

// checkAnswer checks that the message is the answer to its heartbeat.
func checkAnswer(t *testing.T, v vector, codec *wire.Codec, timestamp float64) {
	t.Helper()
	heartbeat, err := hex.DecodeString(v.Answers)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := codec.AnswerHeartbeat(heartbeat, timestamp)
	if got := hex.EncodeToString(answer); err != nil || got != v.Hex {
		t.Errorf("%v: answered\n  %s (%v), not\n  %s", v.Rules, got, err, v.Hex)
	}
}

func checkWritten(t *testing.T, v vector, codec *wire.Codec, m *wire.Message) {
	t.Helper()
	written, err := codec.Encode(m)
	if err != nil {
		t.Fatalf("%v: it cannot be written: %v", v.Rules, err)
	}
	if got := hex.EncodeToString(written); got != v.Hex {
		t.Errorf("%v: written\n  %.600s, not\n  %.600s", v.Rules, got, v.Hex)
	}
}

func checkRemote(t *testing.T, v vector, m *wire.Message) {
	t.Helper()
	e := remoteError(m, "")
	code := e.RemoteCode
	if e.Code != CodeRemoteError && m.Metadata["error"] != nil {
		code = e.Code // a refusal that was sent as one
	}
	got, want := fieldsOfError(e), untagMap(t, v.Remote)
	if delete(got, "code"); code != "" {
		got["code"] = code
	}
	withTextCodes(want)
	if canonical(got) != canonical(want) {
		t.Errorf("%v: the caller gets\n  %s, not\n  %s", v.Rules, canonical(got), canonical(want))
	}
	if v.Remote["name"] == "RefusedCall" && e.Code != v.Remote["code"] {
		t.Errorf("%v: %q is no refusal", v.Rules, e.RemoteMessage)
	}
}

// fieldsOfError returns an error in the form of the vectors.
func fieldsOfError(e *RemoteCallError) map[string]any {
	fields := map[string]any{"name": e.RemoteName, "message": e.RemoteMessage}
	if e.RemoteCode != "" {
		fields["code"] = e.RemoteCode
	}
	if e.RemoteStack != "" {
		fields["stack"] = e.RemoteStack
	}
	if e.RemoteData != nil {
		fields["data"] = e.RemoteData
	}
	if e.Cause != nil {
		fields["cause"] = fieldsOfError(e.Cause)
	}
	if e.Errors != nil {
		errors := []any{}
		for _, joined := range e.Errors {
			errors = append(errors, fieldsOfError(joined))
		}
		fields["errors"] = errors
	}
	return fields
}

// withTextCodes turns codes that are integers into their digits, as RemoteCode has them.
func withTextCodes(remote map[string]any) {
	if code, ok := remote["code"]; ok {
		remote["code"] = fmt.Sprint(code)
	}
	if cause, ok := remote["cause"].(map[string]any); ok {
		withTextCodes(cause)
	}
	errors, _ := remote["errors"].([]any)
	for _, joined := range errors {
		withTextCodes(joined.(map[string]any))
	}
}

// fieldsOfMessage returns a message in the form of the vectors.
func fieldsOfMessage(m *wire.Message) map[string]any {
	fields := map[string]any{"type": m.Type, "id": m.ID, "timestamp": m.Timestamp}
	switch m.Type {
	case wire.Call:
		fields["function"], fields["args"], fields["namespace"] = m.Function, m.Args, m.Namespace
	case wire.Error:
		fields["error"] = m.Error
	case wire.Stdout, wire.Stderr:
		fields["output"] = m.Output
	case wire.Heartbeat:
		if m.Args != nil {
			fields["args"] = m.Args
		}
	}
	if m.ClientName != "" {
		fields["client_name"] = m.ClientName
	}
	if m.HasResult {
		fields["result"] = m.Result
	}
	if m.Metadata != nil {
		fields["metadata"] = m.Metadata
	}
	return fields
}

func messageOfFields(fields map[string]any) *wire.Message {
	m := &wire.Message{}
	m.Type, _ = fields["type"].(string)
	m.ID, _ = fields["id"].(string)
	m.Timestamp = asFloat(fields["timestamp"])
	m.Function, _ = fields["function"].(string)
	m.Args, _ = fields["args"].([]any)
	m.Namespace, _ = fields["namespace"].(string)
	m.ClientName, _ = fields["client_name"].(string)
	m.Result, m.HasResult = fields["result"]
	m.Error, _ = fields["error"].(string)
	m.Output, _ = fields["output"].(string)
	m.Metadata, _ = fields["metadata"].(map[string]any)
	return m
}

func asFloat(value any) float64 {
	if n, ok := value.(int64); ok {
		return float64(n)
	}
	f, _ := value.(float64)
	return f
}

// canonical returns a value as text that differs for different types. Numbers under the key timestamp count as floats.
func canonical(value any) string {
	switch value := value.(type) {
	case float64:
		if math.IsNaN(value) {
			return "NaN"
		}
		return fmt.Sprintf("float %016x", math.Float64bits(value))
	case time.Time:
		return fmt.Sprintf("time %d.%09d", value.Unix(), value.Nanosecond())
	case Ext:
		if value.Type == -1 { // a timestamp that no calendar has
			data := value.Data
			return fmt.Sprintf("time %d.%09d", int64(binary.BigEndian.Uint64(data[4:])), binary.BigEndian.Uint32(data))
		}
		return fmt.Sprintf("ext %d %x", value.Type, value.Data)
	case []any:
		parts := make([]string, len(value))
		for i, item := range value {
			parts[i] = canonical(item)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		parts := make([]string, 0, len(value))
		for key, item := range value {
			if key == "timestamp" {
				item = asFloat(item)
			}
			parts = append(parts, fmt.Sprintf("%q: %s", key, canonical(item)))
		}
		slices.Sort(parts)
		return "{" + strings.Join(parts, ", ") + "}"
	case int64, uint64:
		return fmt.Sprintf("int %d", value)
	default:
		return fmt.Sprintf("%T %q", value, fmt.Sprint(value))
	}
}

func untagMap(t *testing.T, items map[string]any) map[string]any {
	t.Helper()
	plain := make(map[string]any, len(items))
	for key, item := range items {
		plain[key] = untag(t, item)
	}
	return plain
}

// untag reads a value as JSON with the tags of interop/README.md.
func untag(t *testing.T, value any) any {
	t.Helper()
	switch value := value.(type) {
	case json.Number:
		if n, err := strconv.ParseInt(value.String(), 10, 64); err == nil {
			return n
		}
		f, err := value.Float64()
		if err != nil {
			t.Fatal(err)
		}
		return f
	case []any:
		items := make([]any, len(value))
		for i, item := range value {
			items[i] = untag(t, item)
		}
		return items
	case map[string]any:
		for _, tag := range []string{"$int", "$float", "$bytes", "$time", "$ext", "$undefined"} {
			if content, ok := value[tag]; ok && len(value) == 1 {
				return tagged(t, tag, content)
			}
		}
		return untagMap(t, value)
	}
	return value
}

func tagged(t *testing.T, tag string, content any) any {
	t.Helper()
	text, _ := content.(string)
	must := func(err error) {
		if err != nil {
			t.Fatalf("%s %v: %v", tag, content, err)
		}
	}
	switch tag {
	case "$int":
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n
		}
		n, err := strconv.ParseUint(text, 10, 64)
		must(err)
		return n
	case "$float":
		f, err := strconv.ParseFloat(text, 64)
		must(err)
		return f
	case "$bytes":
		data, err := hex.DecodeString(text)
		must(err)
		return data
	case "$time":
		whole, fraction, _ := strings.Cut(text, ".")
		seconds, err := strconv.ParseInt(whole, 10, 64)
		must(err)
		nanos, err := strconv.ParseInt(fraction, 10, 64)
		must(err)
		return time.Unix(seconds, nanos).UTC()
	case "$undefined":
		return nil
	default:
		parts := content.([]any)
		typ, err := parts[0].(json.Number).Int64()
		must(err)
		data, err := hex.DecodeString(parts[1].(string))
		must(err)
		return Ext{Type: int8(typ), Data: data}
	}
}
