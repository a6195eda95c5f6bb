package zmtp

import (
	"encoding/binary"
	"io"
)

const (
	// firstBuffer is the size of a reader's buffer until more arrives at once, so that an idle connection costs little.
	firstBuffer = 4 << 10
	maxBuffer   = 64 << 10
	// firstStep is how much memory a payload gets first that does not fit in the buffer. When that is full, it gets growth
	// times as much: a peer that announces 1 GiB costs what it has sent.
	firstStep = 64 << 10
	growth    = 16
	// maxSkipped is the longest frame that is skipped. A longer one ends the connection.
	maxSkipped = 1 << 32
)

// Kind says what has arrived.
type Kind uint8

// What can arrive.
const (
	Message  Kind = iota // Payload is that of the message
	Dropped              // a message without an empty frame in front of its payload
	TooLarge             // a message above the limit, which was skipped
	Ping                 // Payload is the context for the answer
)

// Arrival is one message, or one command that needs an answer. The payload is valid until the next call of Next.
type Arrival struct {
	Kind    Kind
	Payload []byte
}

// Limits bound what a peer may send. They may be changed between two messages.
type Limits struct {
	MessageBytes int  // of all frames of a message
	SkipTooLarge bool // skip a message above the limit, instead of ending the connection
	// Hold is called before memory for a large payload is allocated, with the number of bytes, and with a negative number
	// when the payload is no longer used. An error ends the connection. It may be nil.
	Hold func(bytes int) error
}

// Reader reads what a peer sends. It has the errors of its source, *ProtocolError and *RefusedError.
type Reader struct {
	Limits Limits
	source io.Reader

	buffer  []byte
	at, end int

	held int // bytes of the large payload

	// The message that is being read.
	frames    int
	size      uint64
	delimited bool // its first frame is empty
	tooLarge  bool
	payload   []byte
}

// NewReader returns a reader of a connection from its first byte.
func NewReader(source io.Reader, limits Limits) *Reader {
	return &Reader{source: source, Limits: limits, buffer: make([]byte, firstBuffer)}
}

// HasRest reports whether more than the latest message has arrived.
func (r *Reader) HasRest() bool { return r.at < r.end }

// Handshake reads the greeting and the READY command of a peer.
func (r *Reader) Handshake(own SocketType) (*Ready, error) {
	for r.end < greetingBytes {
		if err := r.more(); err != nil {
			return nil, err
		}
		if err := checkGreeting(r.buffer[:r.end]); err != nil {
			return nil, err
		}
	}
	r.at = greetingBytes
	flags, length, err := r.header()
	if err != nil {
		return nil, err
	}
	if flags&flagCommand == 0 {
		return nil, violation("sent a message before its READY command")
	}
	name, body, err := r.command(flags, length)
	switch {
	case err != nil:
		return nil, err
	case name == "ERROR":
		return nil, &RefusedError{errorReason(body)}
	case name != "READY":
		return nil, violation("sent the command %.20q before READY", name)
	}
	return readReady(body, own)
}

// Next returns what arrives next. Commands without a meaning are ignored, as other implementations do.
func (r *Reader) Next() (Arrival, error) {
	r.release()
	for {
		flags, length, err := r.header()
		if err != nil {
			return Arrival{}, err
		}
		if flags&flagCommand != 0 {
			name, body, err := r.command(flags, length)
			switch {
			case err != nil:
				return Arrival{}, err
			case name == "ERROR":
				return Arrival{}, &RefusedError{errorReason(body)}
			case name == "PING" && len(body) < 2:
				return Arrival{}, violation("sent a PING command that cannot be read")
			case name == "PING":
				return Arrival{Ping, body[2:min(len(body), 2+maxContext)]}, nil
			}
			continue
		}
		if err := r.frame(flags, length); err != nil {
			return Arrival{}, err
		}
		if flags&flagMore == 0 {
			return r.endMessage(), nil
		}
	}
}

// endMessage returns the message and makes the reader ready for the next.
func (r *Reader) endMessage() Arrival {
	arrival := Arrival{Message, r.payload}
	switch {
	case r.tooLarge:
		arrival = Arrival{Kind: TooLarge}
	case r.payload == nil:
		arrival = Arrival{Kind: Dropped}
	}
	r.frames, r.size, r.delimited, r.tooLarge, r.payload = 0, 0, false, false, nil
	return arrival
}

// frame reads a frame of a message. Only that of the payload is kept.
func (r *Reader) frame(flags byte, length uint64) error {
	r.frames++
	if r.frames > maxFrames {
		return violation("sent a message of more than %d frames", maxFrames)
	}
	if r.size += length; length > maxSkipped || r.size > uint64(r.Limits.MessageBytes) {
		if length > maxSkipped || !r.Limits.SkipTooLarge {
			return violation("sent a message of more than %d bytes", r.Limits.MessageBytes)
		}
		r.tooLarge, r.payload = true, nil
	}
	if r.frames == 1 {
		r.delimited = length == 0
	}
	if r.frames != 2 || !r.delimited || r.tooLarge {
		return r.skip(length)
	}
	return r.readPayload(int(length), flags&flagMore != 0)
}

// readPayload reads the payload into the buffer if it fits and nothing follows it, otherwise into memory that grows with
// what arrives.
func (r *Reader) readPayload(length int, more bool) error {
	if length <= maxBuffer {
		if err := r.fill(length); err != nil {
			return err
		}
		r.payload = r.buffer[r.at : r.at+length : r.at+length]
		r.at += length
		if more { // the rest of the message may need the buffer
			r.payload = append(make([]byte, 0, length), r.payload...)
		}
		return nil
	}
	body := []byte{}
	for filled := 0; filled < length; {
		if filled == len(body) {
			grown, err := r.grow(body, length)
			if err != nil {
				return err
			}
			body = grown
		}
		if n := copy(body[filled:], r.buffer[r.at:r.end]); n > 0 {
			r.at += n
			filled += n
			continue
		}
		n, err := r.source.Read(body[filled:])
		filled += n
		if err != nil && filled < length {
			return noPart(err)
		}
	}
	r.payload = body
	return nil
}

func (r *Reader) grow(body []byte, length int) ([]byte, error) {
	size := min(length, max(firstStep, len(body)*growth))
	if hold := r.Limits.Hold; hold != nil {
		if err := hold(size - len(body)); err != nil {
			return nil, err
		}
	}
	r.held += size - len(body)
	grown := make([]byte, size)
	copy(grown, body)
	return grown, nil
}

// release gives back what a large payload held.
func (r *Reader) release() {
	if r.held > 0 && r.payload == nil {
		if r.Limits.Hold != nil {
			r.Limits.Hold(-r.held)
		}
		r.held = 0
	}
}

// Close gives back what is held. Nothing more may be read.
func (r *Reader) Close() {
	r.payload = nil
	r.release()
}

func (r *Reader) header() (flags byte, length uint64, err error) {
	if err := r.fill(2); err != nil {
		return 0, 0, err
	}
	flags = r.buffer[r.at]
	if flags > flagMore|flagLong|flagCommand {
		return 0, 0, violation("sent a frame with the flags %#x", flags)
	}
	if flags&flagLong == 0 {
		length = uint64(r.buffer[r.at+1])
		r.at += 2
		return flags, length, nil
	}
	if err := r.fill(longHeader); err != nil {
		return 0, 0, err
	}
	length = binary.BigEndian.Uint64(r.buffer[r.at+1:])
	r.at += longHeader
	return flags, length, nil
}

func (r *Reader) command(flags byte, length uint64) (name string, body []byte, err error) {
	if flags&flagMore != 0 || length > maxCommandBytes {
		return "", nil, violation("sent a command of %d bytes, or one in parts", length)
	}
	if err := r.fill(int(length)); err != nil {
		return "", nil, err
	}
	command := r.buffer[r.at : r.at+int(length)]
	r.at += int(length)
	name, body, ok := cutCommand(command)
	if !ok {
		return "", nil, violation("sent a command that cannot be read")
	}
	return name, body, nil
}

// fill reads until the buffer has this many bytes, at most maxBuffer.
func (r *Reader) fill(count int) error {
	for r.end-r.at < count {
		if r.at+count > len(r.buffer) {
			r.makeRoom(count)
		}
		if err := r.more(); err != nil {
			if r.at == r.end && r.frames == 0 {
				return err // between two messages
			}
			return noPart(err)
		}
	}
	return nil
}

// makeRoom moves what is unread to the front, of a larger buffer if it would not fit.
func (r *Reader) makeRoom(count int) {
	buffer := r.buffer
	if count > len(buffer) {
		buffer = make([]byte, maxBuffer)
	}
	r.end = copy(buffer, r.buffer[r.at:r.end])
	r.at, r.buffer = 0, buffer
}

// more reads once. A buffer that was filled by one read gives way to the largest.
func (r *Reader) more() error {
	if r.at == r.end {
		r.at, r.end = 0, 0
	}
	wasEmpty := r.end == 0
	n, err := r.source.Read(r.buffer[r.end:])
	r.end += n
	if wasEmpty && n == firstBuffer && len(r.buffer) == firstBuffer {
		r.makeRoom(firstBuffer + 1)
	}
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

func (r *Reader) skip(length uint64) error {
	for length > 0 {
		if r.at == r.end {
			if err := r.more(); err != nil {
				return noPart(err)
			}
		}
		n := min(length, uint64(r.end-r.at))
		r.at += int(n)
		length -= n
	}
	return nil
}

// noPart turns the end within a frame into an error that says so.
func noPart(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
