package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// Ext is an extension value without a Go type.
type Ext struct {
	Type int8
	Data []byte
}

const (
	extTimestamp = -1
	// extUndefined with one zero byte is undefined as the older JavaScript implementation writes it.
	extUndefined = 0
	// maxSeconds is the furthest time from 1970 that every supported language can represent, in seconds.
	maxSeconds = 8_640_000_000_000
)

// reader reads bytes that were scanned, so that it needs no checks.
type reader struct {
	data []byte
	at   int
}

// head reads the head of the next value. Bytes that belong to the value follow.
func (r *reader) head() head {
	h, _ := readHead(r.data[r.at:])
	r.at += h.size
	return h
}

// bytes returns the next bytes, which are those of the message.
func (r *reader) bytes(count int) []byte {
	r.at += count
	return r.data[r.at-count : r.at : r.at]
}

// value reads a value: int64 (uint64 only above its range), float64, string, []byte, bool, time.Time, []any, map[string]any,
// Ext or nil.
func (r *reader) value() any {
	code := r.data[r.at]
	h := r.head()
	switch h.kind {
	case kindString:
		return validText(string(r.bytes(h.length)))
	case kindBinary:
		return append([]byte{}, r.bytes(h.length)...)
	case kindArray:
		items := make([]any, h.length)
		for i := range items {
			items[i] = r.value()
		}
		return items
	case kindMap:
		return r.mapping(h.length)
	case kindExtension:
		return extension(r.bytes(h.length))
	default:
		return scalar(code, r.bytes(h.length))
	}
}

// mapping reads a map. Of equal keys, the last one counts.
func (r *reader) mapping(length int) map[string]any {
	items := make(map[string]any, length)
	for range length {
		key := keyText(r.value())
		items[key] = r.value()
	}
	return items
}

// skip passes over a value.
func (r *reader) skip() {
	for wanted := 1; wanted > 0; wanted-- {
		switch h := r.head(); h.kind {
		case kindArray:
			wanted += h.length
		case kindMap:
			wanted += 2 * h.length
		default:
			r.at += h.length
		}
	}
}

func scalar(code byte, data []byte) any {
	switch {
	case code < 0x80 || code >= 0xe0:
		return int64(int8(code))
	case code == 0xc2 || code == 0xc3:
		return code == 0xc3
	case code == 0xca:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(data)))
	case code == 0xcb:
		return math.Float64frombits(binary.BigEndian.Uint64(data))
	case code < 0xcc: // nil
		return nil
	}
	var n uint64
	for _, b := range data {
		n = n<<8 | uint64(b)
	}
	switch unused := 64 - 8*len(data); {
	case code >= 0xd0:
		return int64(n) << unused >> unused // with its sign
	case n > math.MaxInt64:
		return n
	default:
		return int64(n)
	}
}

// keyText turns a key that is a number, a boolean or nil into text. scan refuses other keys.
func keyText(key any) string {
	switch key := key.(type) {
	case string:
		return key
	case nil:
		return "null"
	case float64:
		return strconv.FormatFloat(key, 'g', -1, 64)
	default:
		return fmt.Sprint(key)
	}
}

// extension reads the type and the data of an extension.
func extension(all []byte) any {
	typ, data := int8(all[0]), all[1:]
	if typ == extUndefined && len(data) == 1 && data[0] == 0 {
		return nil
	}
	if typ == extTimestamp {
		if at, ok := readTime(data); ok {
			return at
		}
	}
	return Ext{Type: typ, Data: append([]byte{}, data...)}
}

func readTime(data []byte) (time.Time, bool) {
	var seconds, nanos int64
	switch len(data) {
	case 4:
		seconds = int64(binary.BigEndian.Uint32(data))
	case 8:
		both := binary.BigEndian.Uint64(data)
		seconds, nanos = int64(both&(1<<34-1)), int64(both>>34)
	case 12:
		nanos = int64(binary.BigEndian.Uint32(data))
		seconds = int64(binary.BigEndian.Uint64(data[4:]))
	default:
		return time.Time{}, false
	}
	if seconds < -maxSeconds || seconds > maxSeconds || seconds == maxSeconds && nanos > 0 {
		return time.Time{}, false
	}
	return time.Unix(seconds, nanos).UTC(), true
}

// validText replaces each byte that is not valid UTF-8 with U+FFFD.
func validText(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return string([]rune(text))
}
