package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/multifrost/interop-go/internal/describe"
	"github.com/multifrost/multifrost-go"
)

var cases = map[string]func(context.Context, *bench) error{
	"results":         results,
	"errors":          remoteErrors,
	"values":          values,
	"binary":          binary,
	"int64":           int64s,
	"unicode":         unicode,
	"concurrent":      concurrent,
	"timeout":         timeout,
	"busy-heartbeats": busyHeartbeats,
	"output":          output,
	"private":         private,
	"missing":         missing,
	"list-functions":  listFunctions,
	"namespace":       namespace,
	"shutdown":        shutdown,
	"child-crash":     childCrash,
	"parent-crash":    parentCrash,
	"service-restart": serviceRestart,
}

// gives calls a method and compares the result.
func (b *bench) gives(ctx context.Context, want any, name string, args ...any) error {
	got, err := b.worker.CallFunction(ctx, name, args...)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("%s%v returned %s, not %s", name, args, describe.Value(got), describe.Value(want))
	}
	return nil
}

func (b *bench) adds(ctx context.Context) error { return b.gives(ctx, int64(5), "add", 2, 3) }

func results(ctx context.Context, b *bench) error {
	return errors.Join(
		b.adds(ctx),
		b.gives(ctx, 0.75, "add", 0.5, 0.25),
		b.gives(ctx, nil, "nothing"),
	)
}

func remoteErrors(ctx context.Context, b *bench) error {
	_, err := b.worker.CallFunction(ctx, "fail", "no luck")
	var remote *multifrost.RemoteCallError
	if !errors.As(err, &remote) || remote.RemoteMessage != "no luck" || remote.FunctionName != "fail" {
		return fmt.Errorf("fail returned %v", err)
	}
	if remote.RemoteName != "Failed" || remote.RemoteCode != "LUCK" || remote.RemoteData["row"] != int64(7) {
		return fmt.Errorf("fail returned the name %q, the code %q and %v", remote.RemoteName, remote.RemoteCode, remote.RemoteData)
	}
	if remote.Cause == nil || remote.Cause.RemoteMessage != "cause of no luck" {
		return fmt.Errorf("fail returned the cause %v", remote.Cause)
	}
	return b.adds(ctx)
}

func binary(ctx context.Context, b *bench) error {
	data := make([]byte, 1<<20)
	for i := range data {
		data[i] = byte(31*i + 7)
	}
	got, err := b.worker.CallFunction(ctx, "echo", data)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(got, data) {
		return errors.New("echo returned other bytes")
	}
	sum := sha256.Sum256(data)
	return b.gives(ctx, hex.EncodeToString(sum[:]), "checksum", data)
}

func int64s(ctx context.Context, b *bench) error {
	const safe = int64(1) << 53
	for _, n := range []any{
		int64(math.MinInt64), int64(math.MinInt64 + 1), -safe - 1, -safe, -safe + 1, safe - 1, safe, safe + 1,
		int64(math.MaxInt64), uint64(1 << 63), uint64(math.MaxUint64),
	} {
		if err := b.gives(ctx, n, "echo", n); err != nil {
			return err
		}
		if err := b.gives(ctx, fmt.Sprintf("int %d", n), "describe", n); err != nil {
			return err
		}
	}
	return nil
}

func unicode(ctx context.Context, b *bench) error {
	words := map[string]any{"ключ": "значение", "鍵": "値", "🔑": "🗝️"}
	return errors.Join(
		b.gives(ctx, int64(7), "größe", "日本語 👩‍🚀"),
		b.gives(ctx, words, "echo", words),
	)
}

func concurrent(ctx context.Context, b *bench) error {
	came := make(chan int, 3)
	failed := make(chan error, 53)
	for _, ms := range []int{600, 300, 0} {
		go func() {
			failed <- b.gives(ctx, int64(ms), "sleep", ms)
			came <- ms
		}()
	}
	order := []int{<-came, <-came, <-came}
	if !slices.Equal(order, []int{0, 300, 600}) {
		return fmt.Errorf("the order was %v", order)
	}
	for i := range 50 {
		go func() { failed <- b.gives(ctx, int64(i), "echo", i) }()
	}
	for range 53 {
		if err := <-failed; err != nil {
			return err
		}
	}
	return nil
}

func timeout(ctx context.Context, b *bench) error {
	began := time.Now()
	_, err := b.worker.WithOptions(multifrost.WithTimeout(150*time.Millisecond)).CallFunction(ctx, "sleep", 3000)
	var late *multifrost.TimeoutError
	if took := time.Since(began); !errors.As(err, &late) || took > 2*time.Second {
		return fmt.Errorf("after %v: %v", took, err)
	}
	return b.adds(ctx)
}

func busyHeartbeats(ctx context.Context, b *bench) error {
	before := b.worker.Metrics()
	if err := b.gives(ctx, int64(1500), "busy", 1500); err != nil {
		return err
	}
	after := b.worker.Metrics()
	answered := after.HeartbeatsAnswered - before.HeartbeatsAnswered
	if missed := after.HeartbeatMissesTotal - before.HeartbeatMissesTotal; answered < 5 || missed > 0 {
		return fmt.Errorf("%d heartbeats were answered and %d missed", answered, missed)
	}
	return nil
}

func output(ctx context.Context, b *bench) error {
	if _, err := b.worker.CallFunction(ctx, "say", "grüße 1"); err != nil {
		return err
	}
	if _, err := b.worker.CallFunction(ctx, "warn", "warnung 1"); err != nil {
		return err
	}
	return until(ctx, 5*time.Second, "both lines arrive", func() bool {
		return b.noted(&b.stdout, "grüße 1") && b.noted(&b.stderr, "warnung 1")
	})
}

// refused calls a method and checks that the message of the remote error has all the words.
func (b *bench) refused(ctx context.Context, c multifrost.Caller, words []string, name string, args ...any) error {
	result, err := c.CallFunction(ctx, name, args...)
	var remote *multifrost.RemoteCallError
	if !errors.As(err, &remote) {
		return fmt.Errorf("%s was not refused: %v, %v", name, result, err)
	}
	for _, word := range words {
		if !strings.Contains(remote.RemoteMessage, word) {
			return fmt.Errorf("%s was refused without %q: %s", name, word, remote.RemoteMessage)
		}
	}
	return nil
}

func private(ctx context.Context, b *bench) error {
	return b.refused(ctx, b.worker, []string{"_secret"}, "_secret")
}

func missing(ctx context.Context, b *bench) error {
	return b.refused(ctx, b.worker, []string{"not found"}, "ad", 1, 2)
}

func listFunctions(ctx context.Context, b *bench) error {
	names, err := b.worker.ListFunctions(ctx)
	if err != nil {
		return err
	}
	slices.Sort(names)
	want := strings.Fields("add busy checksum describe echo exit fail größe nothing pid say sleep warn")
	if !slices.Equal(names, want) {
		return fmt.Errorf("the list is %v", names)
	}
	return nil
}

func namespace(ctx context.Context, b *bench) error {
	elsewhere := b.worker.WithOptions(multifrost.WithNamespace("elsewhere"))
	if err := b.refused(ctx, elsewhere, []string{"default"}, "add", 2, 3); err != nil {
		return err
	}
	sum, err := b.worker.WithOptions(multifrost.WithNamespace("default")).CallFunction(ctx, "add", 2, 3)
	if err != nil || sum != int64(5) {
		return fmt.Errorf("for default it returned %v, %v", sum, err)
	}
	return nil
}

// until waits until a condition holds.
func until(ctx context.Context, limit time.Duration, what string, so func() bool) error {
	deadline := time.Now().Add(limit)
	for !so() {
		if ctx.Err() != nil || time.Now().After(deadline) {
			return fmt.Errorf("timed out after %v waiting until %s", limit, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return nil
}
