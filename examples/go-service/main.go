// A leaderboard that runs by itself and that any process on this machine finds by its name.
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
