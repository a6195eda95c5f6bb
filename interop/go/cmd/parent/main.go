// The Go parent of the interop matrix: see ../../../README.md. Its argument is JSON with mode, worker or service, and cases.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/multifrost/multifrost-go"
)

const caseLimit = 20 * time.Second

type task struct {
	Mode    string   `json:"mode"`
	Worker  []string `json:"worker"`
	Service string   `json:"service"`
	Cases   []string `json:"cases"`
}

// bench has the worker and the output of a run.
type bench struct {
	task   task
	worker *multifrost.ParentWorker

	mu     sync.Mutex
	stdout []string
	stderr []string
}

func main() {
	b := &bench{}
	if len(os.Args) < 2 || json.Unmarshal([]byte(os.Args[1]), &b.task) != nil {
		fmt.Fprintln(os.Stderr, "usage: parent JSON, with mode, worker or service, and cases")
		os.Exit(2)
	}
	if err := b.start(); err != nil {
		for _, name := range b.task.Cases {
			report(name, fmt.Errorf("the worker did not start: %w", err))
		}
		return
	}
	defer b.worker.Close()
	for _, name := range b.task.Cases {
		report(name, b.try(name))
	}
}

func (b *bench) start() error {
	options := []multifrost.Option{
		multifrost.WithHeartbeat(100*time.Millisecond, 2*time.Second, 5),
		multifrost.WithCircuit(1000, time.Second),
		multifrost.WithStdout(func(line string) { b.note(&b.stdout, line) }),
		multifrost.WithStderr(func(line string) { b.note(&b.stderr, line) }),
	}
	ctx, cancel := context.WithTimeout(context.Background(), caseLimit)
	defer cancel()
	if b.task.Mode == "connect" {
		worker, err := multifrost.Connect(ctx, b.task.Service, options...)
		if err != nil {
			return err
		}
		b.worker = worker
	} else {
		words := b.task.Worker
		if len(words) > 1 {
			options = append(options, multifrost.WithExecutable(words[0], words[1:len(words)-1]...))
		}
		b.worker = multifrost.Spawn(words[len(words)-1], options...)
	}
	return b.worker.Start(ctx)
}

func (b *bench) note(lines *[]string, line string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	*lines = append(*lines, line)
}

func (b *bench) noted(lines *[]string, line string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, each := range *lines {
		if each == line {
			return true
		}
	}
	return false
}

// try runs a case, for at most 20 s.
func (b *bench) try(name string) error {
	run, known := cases[name]
	if !known {
		return fmt.Errorf("there is no case %q", name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), caseLimit)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		defer func() {
			if cause := recover(); cause != nil {
				done <- fmt.Errorf("panic: %v", cause)
			}
		}()
		done <- run(ctx, b)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("the case did not end within %v", caseLimit)
	}
}

func report(name string, err error) {
	line := map[string]any{"case": name, "ok": err == nil}
	if err != nil {
		line["detail"] = err.Error()
	}
	text, _ := json.Marshal(line)
	fmt.Println(string(text))
}
