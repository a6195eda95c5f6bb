package multifrost

import (
	"context"
	"runtime"
	"testing"
)

func TestNothingIsLeftBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 3 {
		w := spawnSelf("worker")
		if err := w.Start(within(t)); err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = w.CallFunction(within(t), "Sleep", 50) }()
		if _, err := w.CallFunction(within(t), "Add", 1, 2); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error)
		go func() { ended <- NewWorker(&fixture{}, WithServiceID("short")).Serve(ctx) }()
		w, err := Connect(within(t), "short")
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Start(within(t)); err != nil {
			t.Fatal(err)
		}
		_ = w.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all goroutines have ended", func() bool { return runtime.NumGoroutine() <= before })
}
