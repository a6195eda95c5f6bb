package link

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
)

// Why this package stands on zmq4's connections (zmq4.Open, Conn.SendMsg, Conn.RecvMsg) and not on its sockets, and why
// there is a guard below them. Of zmq4 v0.17.0, each seen in a run unless marked (source):
//
//   - A frame header announcing 2^63-1 bytes makes Conn.read panic in a goroutine of the socket: one connection ends the
//     process, and nobody can recover it. Smaller lengths are allocated unseen; there is no maximum message size.
//   - A malformed READY makes Property.Write panic, in a goroutine of the socket too.
//   - A socket shakes hands within its accept loop: one connection that says nothing keeps out everybody after it, and
//     its goroutine stays after Close.
//   - PING is not answered but handed out as a message, so that libzmq with ZMTP heartbeats drops the connection.
//   - A DEALER sends every message to every connection, and before the first one it blocks; after the last one has gone
//     it takes messages and drops them, without an error. A ROUTER tells nobody of a disconnect (source).
//   - A ROUTER writes under one lock, so that a peer that does not read holds up the answers to all others (source).
//   - Every frame is two writes and two reads of the system, and every message one or two goroutines (source).
//
// Connections are sound once what they read has been checked, which is what guard does: it follows the frames in the
// stream, ends it before a length that is too large gets to zmq4, answers commands by itself, and buffers both ways.
type guard struct {
	net.Conn
	in  *bufio.Reader
	out *bufio.Writer

	maxFrame  int  // bytes of one frame
	shaken    bool // the handshake is done: set by the goroutine that did it, before any other begins
	onCommand func(name string, body []byte)

	greeting int    // bytes of the greeting still to come
	header   []byte // bytes of a frame's header still to be handed out
	body     int    // bytes of a frame's body still to come
	frames   int    // frames of the message so far
	size     int    // bytes of the message so far
}

const (
	greetingBytes = 64
	bufferBytes   = 32 << 10
	// handshakeBytes is the most that a peer may say of itself.
	handshakeBytes = 8 << 10
	// maxFrames of one message: two are used, and those behind are ignored.
	maxFrames = 16

	flagMore    = 1
	flagLong    = 2
	flagCommand = 4
)

func newGuard(conn net.Conn, maxFrame int, onCommand func(string, []byte)) *guard {
	return &guard{
		Conn:      conn,
		in:        bufio.NewReaderSize(conn, bufferBytes),
		out:       bufio.NewWriterSize(conn, bufferBytes),
		maxFrame:  maxFrame,
		onCommand: onCommand,
		greeting:  greetingBytes,
	}
}

// Write is buffered until Flush, once the handshake is done. From then on it is Flush alone that tells of an error: zmq4
// reads no more after one, and what the peer sent before it went would be lost.
func (g *guard) Write(p []byte) (int, error) {
	if !g.shaken {
		return g.Conn.Write(p)
	}
	_, _ = g.out.Write(p) // the buffer keeps its first error
	return len(p), nil
}

func (g *guard) Flush() error { return g.out.Flush() }

// Read hands out the stream piece by piece, a frame's header only when it has been checked.
func (g *guard) Read(p []byte) (int, error) {
	if g.greeting > 0 {
		return g.readSome(p, &g.greeting)
	}
	for len(g.header) == 0 && g.body == 0 {
		if err := g.nextFrame(); err != nil {
			return 0, err
		}
	}
	if len(g.header) > 0 {
		n := copy(p, g.header)
		g.header = g.header[n:]
		return n, nil
	}
	return g.readSome(p, &g.body)
}

func (g *guard) readSome(p []byte, left *int) (int, error) {
	n, err := g.in.Read(p[:min(len(p), *left)])
	*left -= n
	return n, err
}

// nextFrame reads a header and checks it. Commands behind the handshake end here.
func (g *guard) nextFrame() error {
	header, flags, size, err := g.readHeader()
	if err != nil {
		return err
	}
	if flags&flagCommand != 0 && g.shaken {
		return g.command(int(size))
	}
	limit := uint64(g.maxFrame)
	if !g.shaken {
		limit = handshakeBytes
	}
	g.frames++
	if g.frames > maxFrames || size > limit || uint64(g.size)+size > limit+handshakeBytes {
		return fmt.Errorf("a frame of %d bytes is more than the %d that are taken", size, limit)
	}
	g.size += int(size)
	if flags&flagMore == 0 {
		g.frames, g.size = 0, 0
	}
	g.header, g.body = header, int(size)
	return nil
}

func (g *guard) readHeader() (header []byte, flags byte, size uint64, err error) {
	flags, err = g.in.ReadByte()
	if err != nil {
		return nil, 0, 0, err
	}
	header = make([]byte, 2, 9)
	if flags&flagLong != 0 {
		header = header[:9]
	}
	header[0] = flags
	if _, err := io.ReadFull(g.in, header[1:]); err != nil {
		return nil, 0, 0, err
	}
	if flags&flagLong != 0 {
		return header, flags, binary.BigEndian.Uint64(header[1:]), nil
	}
	return header, flags, uint64(header[1]), nil
}

var errBadCommand = errors.New("a ZMTP command cannot be read")

func (g *guard) command(size int) error {
	if size < 1 || size > handshakeBytes {
		return errBadCommand
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(g.in, data); err != nil {
		return err
	}
	nameEnd := 1 + int(data[0])
	if nameEnd > len(data) {
		return errBadCommand
	}
	g.onCommand(string(data[1:nameEnd]), data[nameEnd:])
	return nil
}

// pongBody repeats what stands behind the time to live of a PING.
func pongBody(ping []byte) []byte {
	if len(ping) <= 2 {
		return nil
	}
	return ping[2:min(len(ping), 2+16)]
}
