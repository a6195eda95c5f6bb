package wire

import (
	"fmt"
	"unicode/utf8"
)

// Decode reads a message. It returns either a message or a *Fault, whatever the bytes are. The message does not refer to data.
func (c *Codec) Decode(data []byte) (*Message, *Fault) {
	_, m, fault := c.decode(data, nil)
	return m, fault
}

// DecodeWithin reads a message as Decode does, if admit allows the memory that it takes, in bytes and roughly. Without that, the
// fault has the code OVERLOADED.
func (c *Codec) DecodeWithin(data []byte, admit func(bytes int) bool) (cost int, m *Message, fault *Fault) {
	return c.decode(data, admit)
}

func (c *Codec) decode(data []byte, admit func(bytes int) bool) (cost int, m *Message, fault *Fault) {
	values, fault := scan(data, c.Limits)
	if fault != nil {
		return 0, nil, fault
	}
	r := reader{data: data}
	h := r.head()
	if h.kind != kindMap {
		return 0, nil, &Fault{Code: CodeMalformed, What: "a message must be a map"}
	}
	cost = messageCost + len(data) + values*valueCost
	if admit != nil && !admit(cost) {
		return 0, nil, c.overload(r, h.length)
	}
	var f fields
	f.read(&r, h.length, c.App)
	if f.app.text != c.App {
		return cost, nil, &Fault{Code: CodeForeignApp, What: fmt.Sprintf("a message is for the app %.60q, not for %q", f.app.text, c.App)}
	}
	m, fault = f.message()
	return cost, m, fault
}

const (
	// messageCost is what a call takes in memory without its values, in bytes and roughly.
	messageCost = 2 << 10
	// valueCost is what one value takes, in bytes and roughly: an empty map takes most.
	valueCost = 64
)

// overload reads only who sent a message, as there is no room for its values.
func (c *Codec) overload(r reader, length int) *Fault {
	f := fields{}
	for range length {
		switch r.fieldName() {
		case "id":
			f.id = r.textField("")
		case "type":
			f.typ = r.textField("")
		default:
			r.skip()
		}
	}
	return f.fault(CodeOverloaded, "the parents of this worker use all the memory that it has for calls; call again later")
}

// fields are the fields of a message, as they came.
type fields struct {
	app, id, typ, function, namespace, client, oldClient, errorText, output textField

	timestamp, args, result, metadata any
	hasResult                         bool
}

// textField is a field that should be text.
type textField struct {
	text    string
	isOther bool // neither text nor nil nor absent
	isText  bool
}

// textField reads a field that should be text. The usual text is not allocated.
func (r *reader) textField(usual string) textField {
	start := r.at
	h := r.head()
	if h.kind != kindString {
		isNil := r.data[start] == 0xc0
		r.at = start
		r.skip()
		return textField{isOther: !isNil}
	}
	text := r.bytes(h.length)
	if string(text) == usual {
		return textField{text: usual, isText: true}
	}
	return textField{text: validText(string(text)), isText: true}
}

// fieldName reads a key of the message. A key that is no text is none of its fields.
func (r *reader) fieldName() string {
	start := r.at
	h := r.head()
	if h.kind != kindString {
		r.at = start
		r.skip()
		return ""
	}
	name := r.bytes(h.length)
	for _, known := range fieldNames {
		if string(name) == known {
			return known
		}
	}
	return ""
}

var fieldNames = []string{
	"app", "id", "type", "timestamp", "function", "args", "namespace", "result", "metadata", "client_name", "clientName", "error", "output",
}

// read reads the fields of a message. Of equal fields, the last one counts.
func (f *fields) read(r *reader, length int, app string) {
	for range length {
		switch r.fieldName() {
		case "app":
			f.app = r.textField(app)
		case "id":
			f.id = r.textField("")
		case "type":
			f.typ = r.textField(Call)
		case "timestamp":
			f.timestamp = r.value()
		case "function":
			f.function = r.textField("")
		case "args":
			f.args = r.value()
		case "namespace":
			f.namespace = r.textField(DefaultNamespace)
		case "client_name":
			f.client = r.textField("")
		case "clientName":
			f.oldClient = r.textField("")
		case "result":
			f.result, f.hasResult = r.value(), true
		case "error":
			f.errorText = r.textField("")
		case "output":
			f.output = r.textField("")
		case "metadata":
			f.metadata = r.value()
		default:
			r.skip()
		}
	}
}

// message checks the fields, by the type of the message.
func (f *fields) message() (*Message, *Fault) {
	m, fault := f.base()
	if fault != nil {
		return nil, fault
	}
	switch m.Type {
	case Call:
		fault = f.call(m)
	case Response:
		m.Result, m.HasResult = f.result, f.hasResult
	case Error:
		m.Error, fault = f.text(f.errorText, "error")
	case Stdout, Stderr:
		m.Output, fault = f.text(f.output, "output")
	case Heartbeat:
		m.Args, _ = f.args.([]any)
	}
	if fault != nil {
		return nil, fault
	}
	return m, nil
}

// base reads the fields that every message has.
func (f *fields) base() (*Message, *Fault) {
	typ, id := f.typ.text, f.id.text
	switch typ {
	case Call, Response, Error, Heartbeat:
		if id == "" {
			return nil, f.fault(CodeMissingID, fmt.Sprintf("a %s message has no id", typ))
		}
	case Stdout, Stderr, Shutdown, Ready:
	default:
		return nil, f.fault(CodeUnknownType, fmt.Sprintf("a message has the unknown type %.60q", typ))
	}
	if tooLong(id) {
		return nil, f.fault(CodeMalformed, fmt.Sprintf("a %s message has an id of more than %d characters", typ, maxIDBytes))
	}
	m := &Message{Type: typ, ID: id}
	switch at := f.timestamp.(type) {
	case float64:
		m.Timestamp = at
	case int64:
		m.Timestamp = float64(at)
	case uint64:
		m.Timestamp = float64(at)
	}
	m.Metadata, _ = f.metadata.(map[string]any)
	return m, nil
}

func (f *fields) call(m *Message) (fault *Fault) {
	if m.Function, fault = f.text(f.function, "function"); fault != nil {
		return fault
	}
	m.Args = []any{}
	switch args := f.args.(type) {
	case nil:
	case []any:
		m.Args = args
	default:
		return f.fault(CodeMalformed, "a call's 'args' must be an array")
	}
	m.Namespace = DefaultNamespace
	if f.namespace.isText {
		m.Namespace = f.namespace.text
	}
	// The older JavaScript implementation writes clientName.
	m.ClientName = f.oldClient.text
	if f.client.isText {
		m.ClientName = f.client.text
	}
	return nil
}

func (f *fields) text(field textField, name string) (string, *Fault) {
	if field.isOther {
		return "", f.fault(CodeMalformed, fmt.Sprintf("the field '%s' of a message must be text", name))
	}
	return field.text, nil
}

func (f *fields) fault(code, what string) *Fault {
	fault := &Fault{Code: code, What: what, Type: f.typ.text}
	if !tooLong(f.id.text) {
		fault.ID = f.id.text
	}
	return fault
}

// tooLong reports whether an id has too many characters.
func tooLong(id string) bool { return len(id) > maxIDBytes && utf8.RuneCountInString(id) > maxIDBytes }
