package multifrost

import (
	"bytes"
	"io"
	"unicode/utf8"
)

// maxLine is the longest line that is passed on in one piece, in bytes. It bounds the memory for a line that never ends.
const maxLine = 1 << 20

// splitLines reads to the end and passes on each line without its line end. The last line needs none.
func splitLines(from io.Reader, line func(string)) {
	buffer := make([]byte, 0, 64<<10)
	for {
		if len(buffer) == cap(buffer) {
			buffer = append(make([]byte, 0, 2*cap(buffer)), buffer...)
		}
		n, err := from.Read(buffer[len(buffer):cap(buffer)])
		buffer = takeLines(buffer[:len(buffer)+n], len(buffer), line)
		if err != nil {
			if len(buffer) > 0 {
				line(string(buffer))
			}
			return
		}
	}
}

// takeLines passes on the complete lines of buffer and moves the rest to its start. There is no line end before from.
func takeLines(buffer []byte, from int, line func(string)) []byte {
	start := 0
	for {
		end := bytes.IndexByte(buffer[from:], '\n')
		if end < 0 {
			break
		}
		rest := takePieces(buffer[start:from+end], line)
		line(string(bytes.TrimSuffix(rest, []byte("\r"))))
		from += end + 1
		start = from
	}
	rest := takePieces(buffer[start:], line)
	return buffer[:copy(buffer, rest)]
}

// takePieces passes on pieces of a line that is too long, and returns the rest. It does not split characters.
func takePieces(text []byte, line func(string)) []byte {
	for len(text) > maxLine {
		end := maxLine
		for back := 1; back < utf8.UTFMax && !utf8.RuneStart(text[end]); back++ {
			end--
		}
		line(string(text[:end]))
		text = text[end:]
	}
	return text
}
