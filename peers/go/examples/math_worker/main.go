// A worker that parents spawn, as ExampleSpawn does.
package main

import (
	"errors"

	"github.com/multifrost/multifrost-go"
)

// Math has the methods that parents can call.
type Math struct{}

func (*Math) Add(a, b int) int { return a + b }

func (*Math) Divide(a, b float64) (float64, error) {
	if b == 0 {
		return 0, errors.New("division by zero")
	}
	return a / b, nil
}

func main() {
	multifrost.NewWorker(&Math{}, multifrost.WithLowerCamelNames()).Run()
}
