package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/multifrost/interop-go/internal/describe"
)

// row is a row of values.json.
type row struct {
	Name      string          `json:"name"`
	Value     json.RawMessage `json:"value"`
	Back      json.RawMessage `json:"back"`
	Described string          `json:"described"`
}

func values(ctx context.Context, b *bench) error {
	rows, err := readRows()
	if err != nil {
		return err
	}
	var wrong []string
	for _, r := range rows {
		if err := r.check(ctx, b); err != nil {
			wrong = append(wrong, fmt.Sprintf("%s: %v", r.Name, err))
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%d of %d: %s", len(wrong), len(rows), strings.Join(wrong, "; "))
	}
	return nil
}

func readRows() ([]row, error) {
	_, here, _, _ := runtime.Caller(0)
	text, err := os.ReadFile(filepath.Join(filepath.Dir(here), "../../../values.json"))
	if err != nil {
		return nil, err
	}
	var rows []row
	if err := json.Unmarshal(text, &rows); err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("values.json has no rows")
	}
	return rows, nil
}

func (r row) check(ctx context.Context, b *bench) error {
	value, err := parse(r.Value)
	if err != nil {
		return err
	}
	back := value
	if r.Back != nil {
		if back, err = parse(r.Back); err != nil {
			return err
		}
	}
	got, err := b.worker.CallFunction(ctx, "echo", value)
	if err != nil {
		return err
	}
	if describe.Value(got) != describe.Value(back) && !isFloatOf(got, back) {
		return fmt.Errorf("echo returned %s, not %s", describe.Value(got), describe.Value(back))
	}
	seen, err := b.worker.CallFunction(ctx, "describe", value)
	if err != nil {
		return err
	}
	if seen != r.Described {
		return fmt.Errorf("the worker saw %v, not %s", seen, r.Described)
	}
	return nil
}

// isFloatOf lets a JavaScript worker return 1 for 1.0, which are the same value there.
func isFloatOf(got, want any) bool {
	n, whole := got.(int64)
	f, float := want.(float64)
	return whole && float && float64(n) == f
}

// parse reads a value with the tags of README.md.
func parse(text json.RawMessage) (any, error) {
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	return untag(value)
}

func untag(value any) (any, error) {
	switch value := value.(type) {
	case json.Number:
		return strconv.ParseInt(value.String(), 10, 64)
	case []any:
		items := make([]any, len(value))
		for i, item := range value {
			plain, err := untag(item)
			if err != nil {
				return nil, err
			}
			items[i] = plain
		}
		return items, nil
	case map[string]any:
		if len(value) == 1 {
			for tag, content := range value {
				if text, ok := content.(string); ok && strings.HasPrefix(tag, "$") {
					return tagged(tag, text)
				}
			}
		}
		items := make(map[string]any, len(value))
		for key, item := range value {
			plain, err := untag(item)
			if err != nil {
				return nil, err
			}
			items[key] = plain
		}
		return items, nil
	}
	return value, nil
}

func tagged(tag, text string) (any, error) {
	switch tag {
	case "$int":
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n, nil
		}
		return strconv.ParseUint(text, 10, 64)
	case "$float":
		return strconv.ParseFloat(text, 64)
	case "$bytes":
		return hex.DecodeString(text)
	case "$time":
		return parseTime(text)
	}
	return nil, fmt.Errorf("unknown tag %s", tag)
}

func parseTime(text string) (time.Time, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, err
	}
	nanos, err := strconv.ParseInt(fraction, 10, 64)
	return time.Unix(seconds, nanos).UTC(), err
}
