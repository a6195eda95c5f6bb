// The bare peer in Go, with go-zeromq/zmq4 alone. It does the same as ../../bare/echo-peer.mjs.
package main

import (
	"context"
	"io"
	"log"
	"os"

	"github.com/go-zeromq/zmq4"
)

func main() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	router := zmq4.NewRouter(context.Background())
	if err := router.Dial(os.Args[1]); err != nil {
		log.Fatal(err)
	}
	var answer []byte
	for {
		message, err := router.Recv()
		if err != nil {
			log.Fatal(err)
		}
		if answer == nil {
			answer = message.Frames[2]
		}
		if err := router.SendMulti(zmq4.NewMsgFrom(message.Frames[0], nil, answer)); err != nil {
			log.Fatal(err)
		}
	}
}
