package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"
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

// readValue reads one value of scanned bytes: int64 (uint64 only above its range), float64, string, []byte, bool,
// time.Time, []any, map[string]any, Ext or nil.
func readValue(data []byte) (any, error) {
	return read(msgpack.NewDecoder(bytes.NewReader(data)))
}

func read(dec *msgpack.Decoder) (any, error) {
	code, err := dec.PeekCode()
	if err != nil {
		return nil, err
	}
	switch {
	case code <= 0x7f || code >= 0xe0 || code >= msgpcode.Int8 && code <= msgpcode.Int64:
		return dec.DecodeInt64()
	case code >= msgpcode.Uint8 && code <= msgpcode.Uint64:
		return readUint(dec)
	case code == msgpcode.Nil:
		return nil, dec.DecodeNil()
	case code == msgpcode.True || code == msgpcode.False:
		return dec.DecodeBool()
	case code == msgpcode.Float || code == msgpcode.Double:
		return dec.DecodeFloat64()
	case msgpcode.IsString(code):
		text, err := dec.DecodeString()
		return validText(text), err
	case msgpcode.IsBin(code):
		return readBytes(dec)
	case msgpcode.IsFixedArray(code) || code == msgpcode.Array16 || code == msgpcode.Array32:
		return readArray(dec)
	case msgpcode.IsFixedMap(code) || code == msgpcode.Map16 || code == msgpcode.Map32:
		return readMap(dec)
	default:
		return readExt(dec)
	}
}

func readUint(dec *msgpack.Decoder) (any, error) {
	n, err := dec.DecodeUint64()
	if err != nil || n > math.MaxInt64 {
		return n, err
	}
	return int64(n), nil
}

func readBytes(dec *msgpack.Decoder) (any, error) {
	data, err := dec.DecodeBytes()
	if data == nil {
		data = []byte{}
	}
	return data, err
}

func readArray(dec *msgpack.Decoder) (any, error) {
	length, err := dec.DecodeArrayLen()
	if err != nil {
		return nil, err
	}
	items := make([]any, length)
	for i := range items {
		if items[i], err = read(dec); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// readMap reads a map. Of equal keys, the last one counts.
func readMap(dec *msgpack.Decoder) (any, error) {
	length, err := dec.DecodeMapLen()
	if err != nil {
		return nil, err
	}
	items := make(map[string]any, length)
	for range length {
		key, err := read(dec)
		if err != nil {
			return nil, err
		}
		value, err := read(dec)
		if err != nil {
			return nil, err
		}
		items[keyText(key)] = value
	}
	return items, nil
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

func readExt(dec *msgpack.Decoder) (any, error) {
	typ, length, err := dec.DecodeExtHeader()
	if err != nil {
		return nil, err
	}
	data := make([]byte, length)
	if err := dec.ReadFull(data); err != nil {
		return nil, err
	}
	if typ == extUndefined && length == 1 && data[0] == 0 {
		return nil, nil
	}
	if typ == extTimestamp {
		if at, ok := readTime(data); ok {
			return at, nil
		}
	}
	return Ext{Type: typ, Data: data}, nil
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
