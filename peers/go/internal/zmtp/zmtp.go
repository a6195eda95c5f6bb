// Package zmtp speaks ZMTP 3.1, the protocol of ZeroMQ, on one connection: DEALER and ROUTER, without encryption. Any
// ZeroMQ library can be the peer. The package does not open, accept or close connections.
//
// Everything that a peer sends is checked before memory is allocated for it. After an error nothing more can be read.
package zmtp

import (
	"encoding/binary"
	"fmt"
)

// SocketType is the kind of socket at one end.
type SocketType string

// The kinds of sockets that this package can be.
const (
	Dealer SocketType = "DEALER"
	Router SocketType = "ROUTER"
)

// partners has, for each kind, the kinds that it may be connected to.
var partners = map[SocketType][]string{
	Dealer: {"REP", "DEALER", "ROUTER"},
	Router: {"REQ", "DEALER", "ROUTER"},
}

const (
	flagMore    = 1
	flagLong    = 2
	flagCommand = 4

	greetingBytes = 64
	longHeader    = 9

	// maxCommandBytes is the longest command that is read.
	maxCommandBytes = 8 << 10
	// maxFrames is the most frames of one message. Two are used; more are ignored.
	maxFrames = 16
)

// greeting announces ZMTP 3.1 with the mechanism NULL.
var greeting = func() (g [greetingBytes]byte) {
	g[0], g[9], g[10], g[11] = 0xff, 0x7f, 3, 1
	copy(g[12:], "NULL")
	return g
}()

// ProtocolError reports that a peer does not follow the protocol or exceeds a limit.
type ProtocolError struct{ What string }

func (e *ProtocolError) Error() string { return "the peer " + e.What }

func violation(format string, args ...any) error {
	return &ProtocolError{fmt.Sprintf(format, args...)}
}

// RefusedError reports that the peer does not want the connection, now or later.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return "the peer refused the connection: " + e.Reason }

// Property is something that one end says about itself in its READY command. The name begins with X-.
type Property struct{ Name, Value string }

// Hello returns what an end sends first: its greeting and its READY command. Nothing else may be sent before the peer's
// READY has arrived.
func Hello(own SocketType, properties ...Property) []byte {
	body := appendProperty(nil, "Socket-Type", string(own))
	for _, property := range properties {
		body = appendProperty(body, property.Name, property.Value)
	}
	return AppendCommand(greeting[:], "READY", body)
}

func appendProperty(to []byte, name, value string) []byte {
	to = append(append(to, byte(len(name))), name...)
	to = binary.BigEndian.AppendUint32(to, uint32(len(value)))
	return append(to, value...)
}

// AppendCommand appends a command.
func AppendCommand(to []byte, name string, body []byte) []byte {
	to = appendHeader(to, flagCommand, 1+len(name)+len(body))
	to = append(append(to, byte(len(name))), name...)
	return append(to, body...)
}

// AppendError appends an ERROR command, after which the peer does not connect again.
func AppendError(to []byte, reason string) []byte {
	reason = reason[:min(len(reason), 255)]
	return AppendCommand(to, "ERROR", append([]byte{byte(len(reason))}, reason...))
}

// AppendPong appends the answer to a PING with this context.
func AppendPong(to []byte, context []byte) []byte { return AppendCommand(to, "PONG", context) }

// AppendHead appends what comes before a payload of this many bytes: an empty frame, and the header of the payload's frame.
func AppendHead(to []byte, payload int) []byte {
	return appendHeader(append(to, flagMore, 0), 0, payload)
}

// HeadBytes returns how many bytes AppendHead appends.
func HeadBytes(payload int) int {
	if payload < 256 {
		return 4
	}
	return 2 + longHeader
}

func appendHeader(to []byte, flags byte, length int) []byte {
	if length < 256 {
		return append(to, flags, byte(length))
	}
	return binary.BigEndian.AppendUint64(append(to, flags|flagLong), uint64(length))
}
