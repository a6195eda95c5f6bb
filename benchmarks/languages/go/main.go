// The bare peer in Go: answers every call with as many bytes as an answer has. ../tcp-echo.mjs is the other end.
package main

import (
	"io"
	"log"
	"net"
	"os"
	"strconv"
)

func main() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", os.Args[1]))
	if err != nil {
		log.Fatal(err)
	}
	call, answer := make([]byte, size(os.Args[2])), make([]byte, size(os.Args[3]))
	for err == nil {
		if _, err = io.ReadFull(conn, call); err == nil {
			_, err = conn.Write(answer)
		}
	}
}

func size(text string) int {
	bytes, err := strconv.Atoi(text)
	if err != nil {
		log.Fatal(err)
	}
	return bytes
}
