package wire

import "fmt"

// usualBytes has room for most messages.
const usualBytes = 256

// Encode returns the bytes of a message. The error is a *ValueError.
func (c *Codec) Encode(m *Message) ([]byte, error) {
	return c.Append(make([]byte, 0, usualBytes), m)
}

// Append writes a message to the memory of an empty slice, or to more if that is too little. The error is a *ValueError.
func (c *Codec) Append(to []byte, m *Message) ([]byte, error) {
	w := writer{limits: c.Limits, out: to}
	w.out = appendMapHead(w.out, countFields(m))
	w.fieldText("app", c.App)
	w.fieldText("id", m.ID)
	w.fieldText("type", m.Type)
	w.out = appendFloat(appendText(w.out, "timestamp"), m.Timestamp)
	if err := w.parts(m); err != nil {
		return nil, err
	}
	if size := len(w.out); size > c.Limits.MessageBytes {
		what := fmt.Sprintf("the %s message takes %d bytes, more than Limits.MessageBytes (%d); "+
			"send it in parts, pass a file's path, or raise the limit on both sides", m.Type, size, c.Limits.MessageBytes)
		return nil, &ValueError{Code: CodeTooLarge, What: what}
	}
	return w.out, nil
}

// countFields returns the number of fields that parts writes, and the four that every message has.
func countFields(m *Message) int {
	count := 4
	for _, present := range [...]bool{
		m.Type == Call, hasArgs(m), m.Type == Call, m.ClientName != "", m.HasResult, m.Type == Error,
		m.Type == Stdout || m.Type == Stderr, m.Metadata != nil,
	} {
		if present {
			count++
		}
	}
	return count
}

func hasArgs(m *Message) bool { return m.Type == Call || m.Args != nil }

func (w *writer) parts(m *Message) error {
	if m.Type == Call {
		w.fieldText("function", m.Function)
	}
	if hasArgs(m) {
		if err := w.args(m.Args); err != nil {
			return err
		}
	}
	if m.Type == Call {
		w.fieldText("namespace", m.Namespace)
	}
	if m.ClientName != "" {
		w.fieldText("client_name", m.ClientName)
	}
	if m.HasResult {
		w.out = appendText(w.out, "result")
		if err := w.field("result", m.Result); err != nil {
			return err
		}
	}
	if m.Type == Error {
		w.fieldText("error", m.Error)
	}
	if m.Type == Stdout || m.Type == Stderr {
		w.fieldText("output", m.Output)
	}
	if m.Metadata != nil {
		w.out = appendText(w.out, "metadata")
		return w.field("metadata", m.Metadata)
	}
	return nil
}

func (w *writer) args(args []any) error {
	w.root = "args"
	if len(args) > w.limits.ArrayLength {
		return w.limit("items in one array", "ArrayLength", w.limits.ArrayLength)
	}
	w.out = appendArrayHead(appendText(w.out, "args"), len(args))
	for i, arg := range args {
		w.path = append(w.path[:0], segment{index: i})
		if err := w.any(arg); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) fieldText(name, text string) {
	w.out = appendText(appendText(w.out, name), validText(text))
}
