package wire

import (
	"fmt"
	"strconv"
)

// Encode returns the bytes of a message. The error is a *ValueError.
func (c *Codec) Encode(m *Message) ([]byte, error) {
	w := newWriter(c.Limits)
	w.enc.EncodeMapLen(countFields(m))
	w.fieldText("app", c.App)
	w.fieldText("id", m.ID)
	w.fieldText("type", m.Type)
	w.enc.EncodeString("timestamp")
	w.enc.EncodeFloat64(m.Timestamp)
	if err := w.parts(m); err != nil {
		return nil, err
	}
	if size := w.buf.Len(); size > c.Limits.MessageBytes {
		what := fmt.Sprintf("the %s message takes %d bytes, more than Limits.MessageBytes (%d); "+
			"send it in parts, pass a file's path, or raise the limit on both sides", m.Type, size, c.Limits.MessageBytes)
		return nil, &ValueError{Code: CodeTooLarge, What: what}
	}
	return w.buf.Bytes(), nil
}

// countFields returns the number of fields that parts writes, and the four that every message has.
func countFields(m *Message) int {
	count := 4
	for _, present := range []bool{
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
		w.enc.EncodeString("result")
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
		w.enc.EncodeString("metadata")
		return w.field("metadata", m.Metadata)
	}
	return nil
}

func (w *writer) args(args []any) error {
	w.enc.EncodeString("args")
	if len(args) > w.limits.ArrayLength {
		w.path = []string{"args"}
		return w.limit("items in one array", "ArrayLength", w.limits.ArrayLength)
	}
	w.enc.EncodeArrayLen(len(args))
	for i, arg := range args {
		if err := w.field("args["+strconv.Itoa(i)+"]", arg); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) fieldText(name, text string) {
	w.enc.EncodeString(name)
	w.enc.EncodeString(validText(text))
}
