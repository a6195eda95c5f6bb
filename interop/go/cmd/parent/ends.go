package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/multifrost/multifrost-go"
)

// inFlight begins a call and returns when the worker has it: after a later call has been answered.
func (b *bench) inFlight(ctx context.Context, name string, args ...any) (<-chan error, error) {
	settled := make(chan error, 1)
	depth := b.worker.Metrics().QueueDepth
	go func() {
		_, err := b.worker.CallFunction(ctx, name, args...)
		settled <- err
	}()
	err := until(ctx, 5*time.Second, "the call is made", func() bool { return b.worker.Metrics().QueueDepth > depth })
	if err != nil {
		return nil, err
	}
	return settled, b.adds(ctx)
}

func shutdown(ctx context.Context, b *bench) error {
	pid, err := multifrost.Call[int](ctx, b.worker, "pid")
	if err != nil {
		return err
	}
	settled, err := b.inFlight(ctx, "sleep", 300)
	if err != nil {
		return err
	}
	if b.task.Mode == "connect" {
		err = syscall.Kill(pid, syscall.SIGTERM)
	} else {
		err = b.worker.Stop(ctx)
	}
	if err != nil {
		return err
	}
	if err := <-settled; err != nil {
		return fmt.Errorf("the call in flight: %w", err)
	}
	if err := until(ctx, 5*time.Second, "the process is gone", func() bool { return !alive(pid) }); err != nil || b.task.Mode != "connect" {
		return err
	}
	if registered(b.task.Service) {
		return errors.New("the service is still in the registry")
	}
	return nil
}

// alive reports whether a process runs. A zombie does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return !os.IsNotExist(err)
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}

func registered(service string) bool {
	text, err := os.ReadFile(filepath.Join(os.Getenv("HOME"), ".multifrost", "services.json"))
	entries := map[string]json.RawMessage{}
	return err == nil && json.Unmarshal(text, &entries) == nil && entries[service] != nil
}

func childCrash(ctx context.Context, b *bench) error {
	waiting, err := b.inFlight(ctx, "sleep", 30000)
	if err != nil {
		return err
	}
	limit, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, exitErr := b.worker.CallFunction(limit, "exit", 3)
	var waitErr error
	select {
	case waitErr = <-waiting:
	case <-limit.Done():
	}
	if limit.Err() != nil || waitErr == nil || exitErr == nil {
		return fmt.Errorf("within 5 s: sleep %v, exit %v", waitErr, exitErr)
	}
	for _, err := range []error{waitErr, exitErr} {
		var exited *multifrost.WorkerExitedError
		if b.task.Mode == "spawn" && (!errors.As(err, &exited) || exited.ExitCode != 3) {
			return fmt.Errorf("the error does not have the exit code 3: %w", err)
		}
	}
	return nil
}

// parentCrash prints the worker's pid, and waits to be killed.
func parentCrash(ctx context.Context, b *bench) error {
	pid, err := multifrost.Call[int](ctx, b.worker, "pid")
	if err != nil {
		return err
	}
	settled, err := b.inFlight(ctx, "sleep", 60000)
	if err != nil {
		return err
	}
	reportPid("parent-crash", pid)
	err = <-settled
	return fmt.Errorf("this process was not killed: %w", err)
}

// serviceRestart calls without a pause while the service is ended and started again.
func serviceRestart(ctx context.Context, b *bench) error {
	calling, stop := context.WithCancel(ctx)
	defer stop()
	failed := make(chan error, 8)
	for range 8 {
		go func() {
			for calling.Err() == nil {
				if err := b.adds(ctx); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	first, err := multifrost.Call[int](ctx, b.worker, "pid")
	if err != nil {
		return err
	}
	reportPid("service-restart", first)
	for pid := first; pid == first; {
		if pid, err = multifrost.Call[int](ctx, b.worker, "pid"); err != nil {
			return err
		}
	}
	stop()
	for range 8 {
		err = errors.Join(err, <-failed)
	}
	return err
}

func reportPid(name string, pid int) {
	text, _ := json.Marshal(map[string]any{"case": name, "ok": true, "pid": pid})
	fmt.Println(string(text))
}
