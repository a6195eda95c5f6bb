package multifrost

import (
	"bytes"
	"io"
	"unicode/utf8"
)

// maxLine is the longest line that goes out in one piece, in bytes, so that a program that never ends its line is bounded.
const maxLine = 1 << 20

// splitLines reads to the end and gives out lines without their ends; the last one also where it has none.
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

// takeLines gives out the whole lines at the start of buffer and moves the rest there. Before from there is no line end.
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

// takePieces gives out what is too long of a line, and returns the rest. No character is cut in two.
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
