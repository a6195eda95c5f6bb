package wire

import (
	"encoding/binary"
	"math"
	"time"
)

// The forms of MessagePack that are written: the shortest for each value.

func appendNil(to []byte) []byte { return append(to, 0xc0) }

func appendBool(to []byte, b bool) []byte {
	if b {
		return append(to, 0xc3)
	}
	return append(to, 0xc2)
}

func appendInt(to []byte, n int64) []byte {
	switch {
	case n >= 0:
		return appendUint(to, uint64(n))
	case n >= -32:
		return append(to, byte(n))
	case n >= math.MinInt8:
		return append(to, 0xd0, byte(n))
	case n >= math.MinInt16:
		return binary.BigEndian.AppendUint16(append(to, 0xd1), uint16(n))
	case n >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(to, 0xd2), uint32(n))
	default:
		return binary.BigEndian.AppendUint64(append(to, 0xd3), uint64(n))
	}
}

func appendUint(to []byte, n uint64) []byte {
	switch {
	case n < 0x80:
		return append(to, byte(n))
	case n <= math.MaxUint8:
		return append(to, 0xcc, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(to, 0xcd), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(to, 0xce), uint32(n))
	default:
		return binary.BigEndian.AppendUint64(append(to, 0xcf), n)
	}
}

func appendFloat(to []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(append(to, 0xcb), math.Float64bits(f))
}

func appendText(to []byte, text string) []byte {
	if len(text) < 32 {
		to = append(to, 0xa0|byte(len(text)))
	} else {
		to = appendLength(to, len(text), 0xd9, 0xda, 0xdb)
	}
	return append(to, text...)
}

func appendBinary(to, data []byte) []byte {
	return append(appendLength(to, len(data), 0xc4, 0xc5, 0xc6), data...)
}

func appendArrayHead(to []byte, length int) []byte {
	if length < 16 {
		return append(to, 0x90|byte(length))
	}
	return appendLength(to, length, 0, 0xdc, 0xdd)
}

func appendMapHead(to []byte, length int) []byte {
	if length < 16 {
		return append(to, 0x80|byte(length))
	}
	return appendLength(to, length, 0, 0xde, 0xdf)
}

func appendExt(to []byte, typ int8, data []byte) []byte {
	switch len(data) {
	case 1, 2, 4, 8, 16:
		code := byte(0xd4)
		for size := len(data); size > 1; size /= 2 {
			code++
		}
		to = append(to, code)
	default:
		to = appendLength(to, len(data), 0xc7, 0xc8, 0xc9)
	}
	return append(append(to, byte(typ)), data...)
}

func appendTime(to []byte, at time.Time) []byte {
	seconds, nanos := uint64(at.Unix()), uint64(at.Nanosecond())
	switch {
	case seconds>>34 != 0:
		data := binary.BigEndian.AppendUint32(nil, uint32(nanos))
		return appendExt(to, extTimestamp, binary.BigEndian.AppendUint64(data, seconds))
	case nanos != 0 || seconds>>32 != 0:
		return appendExt(to, extTimestamp, binary.BigEndian.AppendUint64(nil, nanos<<34|seconds))
	default:
		return appendExt(to, extTimestamp, binary.BigEndian.AppendUint32(nil, uint32(seconds)))
	}
}

// appendLength appends a length after the code for its width. A code of 0 means that there is none for 8 bits.
func appendLength(to []byte, length int, code8, code16, code32 byte) []byte {
	switch {
	case length <= math.MaxUint8 && code8 != 0:
		return append(to, code8, byte(length))
	case length <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(to, code16), uint16(length))
	default:
		return binary.BigEndian.AppendUint32(append(to, code32), uint32(length))
	}
}
