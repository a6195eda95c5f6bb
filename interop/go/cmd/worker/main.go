// The Go worker of the interop matrix: see ../../../README.md. Its argument is a service id; a spawned worker has none.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"
	"unicode/utf8"

	"github.com/multifrost/interop-go/internal/describe"
	"github.com/multifrost/multifrost-go"
)

type cases struct{}

// Add adds whole numbers exactly, others as floats.
func (cases) Add(a, b any) (any, error) {
	x, xWhole := a.(int64)
	y, yWhole := b.(int64)
	if xWhole && yWhole {
		return x + y, nil
	}
	left, ok := asFloat(a)
	right, alsoOK := asFloat(b)
	if !ok || !alsoOK {
		return nil, fmt.Errorf("add takes two numbers, not %T and %T", a, b)
	}
	return left + right, nil
}

func asFloat(value any) (float64, bool) {
	switch n := value.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

// Busy computes for ms milliseconds.
func (cases) Busy(ms int) int {
	until := time.Now().Add(time.Duration(ms) * time.Millisecond)
	for sum := [32]byte{}; time.Now().Before(until); {
		sum = sha256.Sum256(sum[:])
	}
	return ms
}

func (cases) Checksum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func (cases) Describe(x any) string { return describe.Value(x) }

func (cases) Echo(x any) any { return x }

func (cases) Exit(code int) { os.Exit(code) }

// Failed is an error with a code, a field and a cause.
type Failed struct {
	Code    string
	Row     int `json:"row"`
	message string
	cause   error
}

func (f *Failed) Error() string { return f.message }
func (f *Failed) Unwrap() error { return f.cause }

func (cases) Fail(message string) error {
	return &Failed{Code: "LUCK", Row: 7, message: message, cause: errors.New("cause of " + message)}
}

func (cases) Größe(text string) int { return utf8.RuneCountInString(text) }

func (cases) Nothing() {}

func (cases) Pid() int { return os.Getpid() }

func (cases) Say(text string) { fmt.Println(text) }

// Sleep waits without computing.
func (cases) Sleep(ctx context.Context, ms int) (int, error) {
	select {
	case <-time.After(time.Duration(ms) * time.Millisecond):
		return ms, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (cases) Warn(text string) { fmt.Fprintln(os.Stderr, text) }

func main() {
	options := []multifrost.WorkerOption{multifrost.WithLowerCamelNames()}
	if len(os.Args) > 1 && os.Args[1] != "--worker" {
		options = append(options, multifrost.WithServiceID(os.Args[1]))
	}
	multifrost.NewWorker(cases{}, options...).Run()
}
