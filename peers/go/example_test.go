package multifrost_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/multifrost/multifrost-go"
)

// Greeter is the target of the services below.
type Greeter struct{}

// Greeting is a result with fields.
type Greeting struct {
	Text  string `msgpack:"text"`
	Words int    `msgpack:"words"`
}

func (*Greeter) Greet(name string) Greeting { return Greeting{Text: "Hello, " + name + "!", Words: 2} }

func (*Greeter) Wait(ctx context.Context, ms int) error {
	select {
	case <-time.After(time.Duration(ms) * time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A worker is a value with exported methods. In main, call its Run.
func ExampleNewWorker() {
	worker := multifrost.NewWorker(&Greeter{}, multifrost.WithLowerCamelNames())
	fmt.Println(worker.ListFunctions())
	// Output: [greet wait]
}

// A parent spawns a worker, calls its methods and stops it.
func ExampleSpawn() {
	ctx := context.Background()
	math := multifrost.Spawn("examples/math_worker/main.go")
	if err := math.Start(ctx); err != nil {
		log.Fatal(err)
	}
	defer math.Close()

	sum, err := multifrost.Call[int](ctx, math, "add", 2, 3)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sum)

	_, err = math.CallFunction(ctx, "divide", 1, 0)
	var failed *multifrost.RemoteCallError
	if errors.As(err, &failed) {
		fmt.Println(failed.RemoteMessage)
	}
	// Output:
	// 5
	// division by zero
}

// A service runs independently of its parents, which find it by its name.
func ExampleConnect() {
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error)
	go func() {
		service := multifrost.NewWorker(&Greeter{}, multifrost.WithServiceID("greeter"))
		served <- service.Serve(ctx)
	}()

	greeter, err := multifrost.Connect(ctx, "greeter") // waits for the service, for up to 5 s
	if err != nil {
		log.Fatal(err)
	}
	if err := greeter.Start(ctx); err != nil {
		log.Fatal(err)
	}
	greeting, err := multifrost.Call[Greeting](ctx, greeter, "Greet", "Ada")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(greeting.Text, greeting.Words)

	_ = greeter.Close() // the service goes on running
	cancel()            // ends the service, as SIGTERM does with Run
	fmt.Println(<-served)
	// Output:
	// Hello, Ada! 2
	// <nil>
}

// Options of a call leave the parent's own options unchanged.
func ExampleParentWorker_WithOptions() {
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error)
	go func() {
		served <- multifrost.NewWorker(&Greeter{}, multifrost.WithServiceID("slow-greeter")).Serve(ctx)
	}()
	greeter, err := multifrost.Connect(ctx, "slow-greeter")
	if err != nil {
		log.Fatal(err)
	}
	if err := greeter.Start(ctx); err != nil {
		log.Fatal(err)
	}

	hasty := greeter.WithOptions(multifrost.WithTimeout(50 * time.Millisecond))
	_, err = hasty.CallFunction(ctx, "Wait", 500)
	fmt.Println(errors.Is(err, context.DeadlineExceeded))

	_ = greeter.Close()
	cancel()
	fmt.Println(<-served)
	// Output:
	// true
	// <nil>
}
