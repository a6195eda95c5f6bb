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
//     process, and the panic cannot be recovered. Smaller lengths are allocated unchecked; there is no maximum message size.
//   - A malformed READY makes Property.Write panic, in a goroutine of the socket too.
//   - A socket shakes hands within its accept loop: one silent connection keeps out all later ones, and its goroutine
//     stays after Close.
//   - PING is not answered but handed out as a message, so that libzmq with ZMTP heartbeats drops the connection.
//   - A DEALER sends every message to every connection, and blocks before the first one; after the last one has gone it
//     accepts messages and drops them, without an error. A ROUTER does not report a disconnect (source).
//   - A ROUTER writes under one lock, so that a peer that does not read holds up the answers to all others (source).
//   - Every frame is two writes and two reads of the system, and every message one or two goroutines (source).
//
// Connections are safe once the bytes that they read have been checked, which guard does: it follows the frames in the
// stream, ends the stream before zmq4 reads a length that is too large, handles commands itself, and buffers both ways.
type guard struct {
	net.Conn
	in  *bufio.Reader
	out *bufio.Writer

	maxFrame  int  // bytes of one frame
	shaken    bool // the handshake is done; set before the other goroutines of the link start
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
	// handshakeBytes is the largest frame of a handshake.
	handshakeBytes = 8 << 10
	// maxFrames is the most frames of one message. Two are used; others are ignored.
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

// Write writes directly during the handshake, and to a buffer afterwards. Then only Flush returns errors: after an error
// zmq4 would read no more, and what the peer sent before it closed would be lost.
func (g *guard) Write(p []byte) (int, error) {
	if !g.shaken {
		return g.Conn.Write(p)
	}
	_, _ = g.out.Write(p) // the buffer keeps its first error
	return len(p), nil
}

// Flush writes the buffer to the connection.
func (g *guard) Flush() error { return g.out.Flush() }

// Read returns the stream piece by piece, and the header of a frame only after it has been checked.
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

// nextFrame reads a header and checks it. It handles commands after the handshake itself.
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
		return fmt.Errorf("a frame of %d bytes is larger than the limit of %d", size, limit)
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

// pongBody returns the context of a PING, which follows its time to live.
func pongBody(ping []byte) []byte {
	if len(ping) <= 2 {
		return nil
	}
	return ping[2:min(len(ping), 2+16)]
}
