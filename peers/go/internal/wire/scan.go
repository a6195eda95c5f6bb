package wire

import (
	"encoding/binary"
	"fmt"
	"sync"
)

// scan checks the bytes of a message before they are decoded, so that a hostile length or depth costs no memory and the
// decoder sees only valid MessagePack within the limits. It returns the number of values.
func scan(data []byte, limits Limits) (values int, fault *Fault) {
	s := scanners.Get().(*scanner)
	*s = scanner{data: data, limits: limits, open: s.open[:0]}
	defer func() {
		s.data, s.field, s.id, s.typ = nil, nil, nil, nil
		scanners.Put(s)
	}()
	return s.scan()
}

var scanners = sync.Pool{New: func() any { return &scanner{} }}

func (s *scanner) scan() (values int, fault *Fault) {
	if len(s.data) > s.limits.MessageBytes {
		return 0, s.exceeds(fmt.Sprintf("%d bytes", len(s.data)), "MessageBytes", s.limits.MessageBytes)
	}
	s.open = append(s.open, container{wanted: 1})
	for len(s.open) > 0 {
		if fault := s.step(); fault != nil {
			return 0, fault
		}
	}
	if s.at < len(s.data) {
		return 0, s.malformed(fmt.Sprintf("%d bytes too many", len(s.data)-s.at))
	}
	return s.values, nil
}

// container is an array or map that is being scanned, and how many values are still missing.
type container struct {
	wanted int
	isMap  bool
}

type scanner struct {
	data   []byte
	limits Limits
	at     int
	values int
	open   []container
	field  []byte // the field of the message whose value is next
	id     []byte
	typ    []byte
}

// step scans one value or the head of a container, then leaves the containers that are complete.
func (s *scanner) step() *Fault {
	top := &s.open[len(s.open)-1]
	isKey := top.isMap && top.wanted%2 == 0
	top.wanted--
	if s.values++; s.values > s.limits.Values+envelopeValues {
		return s.exceeds("too many values", "Values", s.limits.Values)
	}
	h, ok := readHead(s.data[s.at:])
	if !ok {
		return s.malformed("it ends too early")
	}
	if fault := s.take(h, isKey); fault != nil {
		return fault
	}
	for len(s.open) > 0 && s.open[len(s.open)-1].wanted == 0 {
		s.open = s.open[:len(s.open)-1]
	}
	return nil
}

func (s *scanner) take(h head, isKey bool) *Fault {
	s.at += h.size
	switch h.kind {
	case kindInvalid:
		return s.malformed("it has the byte 0xc1, which MessagePack does not use")
	case kindArray, kindMap:
		if isKey {
			return s.malformed("a map has a key that is neither text nor number")
		}
		return s.enter(h)
	case kindString:
		if h.length > s.limits.StringBytes {
			return s.exceeds(fmt.Sprintf("a string of %d bytes", h.length), "StringBytes", s.limits.StringBytes)
		}
	case kindBinary, kindExtension:
		if isKey {
			return s.malformed("a map has a key that is neither text nor number")
		}
		if h.length > s.limits.BinaryBytes && (h.kind == kindBinary || h.length > timestampBytes) {
			return s.exceeds(fmt.Sprintf("a binary value of %d bytes", h.length), "BinaryBytes", s.limits.BinaryBytes)
		}
	}
	start := s.at
	if h.length > len(s.data)-start {
		return s.malformed("it ends too early")
	}
	if h.kind == kindExtension && int8(s.data[start]) == extTimestamp && !isTimestampLength(h.length-1) {
		return s.malformed(fmt.Sprintf("it has a timestamp of %d bytes", h.length-1))
	}
	s.at += h.length
	s.note(h, start, isKey)
	return nil
}

func (s *scanner) enter(h head) *Fault {
	limit, name, what, values := s.limits.ArrayLength, "ArrayLength", "an array", h.length
	if h.kind == kindMap {
		limit, name, what, values = s.limits.MapLength, "MapLength", "a map", 2*h.length
	}
	around := 2 // levels: the message as a whole, and its map
	if string(s.field) == "args" {
		around++
	}
	switch {
	case h.length > limit && len(s.open) > 1: // the limit does not hold for the message itself
		return s.exceeds(fmt.Sprintf("%s of %d items", what, h.length), name, limit)
	case len(s.open) >= s.limits.Depth+around:
		return s.exceeds("arrays and maps nested too deep", "Depth", s.limits.Depth)
	case values > len(s.data)-s.at:
		return s.malformed("it announces more items than it has bytes")
	case values > 0:
		s.open = append(s.open, container{wanted: values, isMap: h.kind == kindMap})
	}
	return nil
}

// note keeps the id and type of the message. Level one is the whole message, level two its map.
func (s *scanner) note(h head, start int, isKey bool) {
	if len(s.open) != 2 || !s.open[1].isMap {
		return
	}
	var text []byte
	if h.kind == kindString && h.length <= maxIDBytes {
		text = s.data[start : start+h.length]
	}
	if isKey {
		s.field = text
		return
	}
	switch string(s.field) {
	case "id":
		s.id = text
	case "type":
		s.typ = text
	}
}

func isTimestampLength(length int) bool { return length == 4 || length == 8 || length == 12 }

func (s *scanner) malformed(what string) *Fault { return s.fault(CodeMalformed, what) }

func (s *scanner) exceeds(what, limit string, value int) *Fault {
	return s.fault(CodeLimit, fmt.Sprintf("%s, above Limits.%s (%d)", what, limit, value))
}

func (s *scanner) fault(code, what string) *Fault {
	text := fmt.Sprintf("a message of %d bytes cannot be read: %s", len(s.data), what)
	return &Fault{Code: code, What: text, ID: validText(string(s.id)), Type: validText(string(s.typ))}
}

type kind uint8

const (
	kindScalar kind = iota
	kindString
	kindBinary
	kindExtension
	kindArray
	kindMap
	kindInvalid
)

// head is the first byte of a value and the length that follows. length is in bytes, or in items for a container.
type head struct {
	kind   kind
	size   int
	length int
}

// heads has, for the bytes 0xc0 to 0xdf, the kind, how many bytes hold the length, and how many always follow.
var heads = [32]struct {
	kind               kind
	lengthBytes, fixed int
}{
	{kindScalar, 0, 0}, {kindInvalid, 0, 0}, {kindScalar, 0, 0}, {kindScalar, 0, 0},
	{kindBinary, 1, 0}, {kindBinary, 2, 0}, {kindBinary, 4, 0},
	{kindExtension, 1, 1}, {kindExtension, 2, 1}, {kindExtension, 4, 1},
	{kindScalar, 0, 4}, {kindScalar, 0, 8},
	{kindScalar, 0, 1}, {kindScalar, 0, 2}, {kindScalar, 0, 4}, {kindScalar, 0, 8},
	{kindScalar, 0, 1}, {kindScalar, 0, 2}, {kindScalar, 0, 4}, {kindScalar, 0, 8},
	{kindExtension, 0, 2}, {kindExtension, 0, 3}, {kindExtension, 0, 5}, {kindExtension, 0, 9}, {kindExtension, 0, 17},
	{kindString, 1, 0}, {kindString, 2, 0}, {kindString, 4, 0},
	{kindArray, 2, 0}, {kindArray, 4, 0}, {kindMap, 2, 0}, {kindMap, 4, 0},
}

func readHead(data []byte) (head, bool) {
	if len(data) == 0 {
		return head{}, false
	}
	switch b := data[0]; {
	case b < 0x80 || b >= 0xe0:
		return head{kind: kindScalar, size: 1}, true
	case b < 0x90:
		return head{kind: kindMap, size: 1, length: int(b & 0x0f)}, true
	case b < 0xa0:
		return head{kind: kindArray, size: 1, length: int(b & 0x0f)}, true
	case b < 0xc0:
		return head{kind: kindString, size: 1, length: int(b & 0x1f)}, true
	}
	row := heads[data[0]-0xc0]
	if len(data) < 1+row.lengthBytes {
		return head{}, false
	}
	h := head{kind: row.kind, size: 1 + row.lengthBytes, length: row.fixed}
	switch row.lengthBytes {
	case 1:
		h.length += int(data[1])
	case 2:
		h.length += int(binary.BigEndian.Uint16(data[1:]))
	case 4:
		h.length += int(binary.BigEndian.Uint32(data[1:]))
	}
	return h, true
}
