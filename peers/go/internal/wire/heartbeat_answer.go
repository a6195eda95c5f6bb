package wire

import "fmt"

// AnswerHeartbeat returns the answer to a heartbeat that Decode has read. It repeats the id, and each value of args and metadata in the
// bytes in which it came; this worker announces no features. The error is a *ValueError.
func (c *Codec) AnswerHeartbeat(heartbeat []byte, timestamp float64) ([]byte, error) {
	var id string
	var args []byte
	var metadata repeated
	r := reader{data: heartbeat}
	for range r.head().length {
		name, start := r.fieldName(), r.at
		switch name {
		case "id":
			id = r.textField("").text
		case "metadata":
			metadata = r.repeatedFields()
		default:
			r.skip()
		}
		if name == "args" {
			args = nil
			if h, _ := readHead(heartbeat[start:]); h.kind == kindArray {
				args = heartbeat[start:r.at]
			}
		}
	}
	w := writer{out: make([]byte, 0, usualBytes+len(heartbeat))}
	fields := 5
	if args != nil {
		fields++
	}
	w.out = appendMapHead(w.out, fields)
	w.fieldText("app", c.App)
	w.fieldText("id", id)
	w.fieldText("type", Heartbeat)
	w.out = appendFloat(appendText(w.out, "timestamp"), timestamp)
	if args != nil {
		w.out = append(appendText(w.out, "args"), args...)
	}
	w.out = appendMapHead(appendText(w.out, "metadata"), len(metadata.fields)+1)
	for _, field := range metadata.fields {
		w.out = append(w.out, field...)
	}
	w.out = appendBool(appendText(w.out, "hb_response"), true)
	if size := len(w.out); size > c.Limits.MessageBytes {
		what := fmt.Sprintf("the answer to a heartbeat takes %d bytes, more than Limits.MessageBytes (%d)", size, c.Limits.MessageBytes)
		return nil, &ValueError{Code: CodeTooLarge, What: what}
	}
	return w.out, nil
}

// repeated has the fields of a map, each with its key, as bytes.
type repeated struct {
	fields [][]byte
	at     map[string]int // where the field with a key is: of equal keys the last one counts
}

// repeatedFields reads the fields that an answer repeats. There are none where the value is no map.
func (r *reader) repeatedFields() (kept repeated) {
	start := r.at
	h := r.head()
	if h.kind != kindMap {
		r.at = start
		r.skip()
		return kept
	}
	kept.at = map[string]int{}
	for range h.length {
		start := r.at
		key := keyText(r.value())
		r.skip()
		if key == "hb_response" || key == "features" {
			continue
		}
		if at, known := kept.at[key]; known {
			kept.fields[at] = r.data[start:r.at]
			continue
		}
		kept.at[key] = len(kept.fields)
		kept.fields = append(kept.fields, r.data[start:r.at])
	}
	return kept
}
