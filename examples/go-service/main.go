// A leaderboard that runs on its own; any process on this machine finds it by name.
package main

import (
	"os"

	"github.com/multifrost/multifrost-go"
)

func main() {
	name := "leaderboard"
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	multifrost.NewWorker(&Leaderboard{}, multifrost.WithServiceID(name), multifrost.WithLowerCamelNames()).Run()
}
