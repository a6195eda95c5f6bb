package wire

import (
	"fmt"
	"unicode/utf8"
)

// Decode reads a message. It returns either a message or a *Fault, whatever the bytes are.
func (c *Codec) Decode(data []byte) (*Message, *Fault) {
	if fault := scan(data, c.Limits); fault != nil {
		return nil, fault
	}
	value, err := readValue(data)
	if err != nil {
		return nil, &Fault{Code: CodeMalformed, What: fmt.Sprintf("a message cannot be read: %v", err)}
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return nil, &Fault{Code: CodeMalformed, What: "a message must be a map"}
	}
	if app, ok := fields["app"].(string); !ok || app != c.App {
		return nil, &Fault{Code: CodeForeignApp, What: fmt.Sprintf("a message is for the app %.60v, not for %q", fields["app"], c.App)}
	}
	return shape(fields)
}

// shape checks the fields of the message, by its type.
func shape(fields map[string]any) (*Message, *Fault) {
	m, fault := base(fields)
	if fault != nil {
		return nil, fault
	}
	switch m.Type {
	case Call:
		fault = callFields(m, fields)
	case Response:
		m.Result, m.HasResult = fields["result"], has(fields, "result")
	case Error:
		m.Error, fault = text(fields, "error")
	case Stdout, Stderr:
		m.Output, fault = text(fields, "output")
	case Heartbeat:
		m.Args, _ = fields["args"].([]any)
	}
	if fault != nil {
		return nil, fault
	}
	return m, nil
}

// base reads the fields that every message has.
func base(fields map[string]any) (*Message, *Fault) {
	typ, _ := fields["type"].(string)
	id, _ := fields["id"].(string)
	switch typ {
	case Call, Response, Error, Heartbeat:
		if id == "" {
			return nil, refuse(fields, CodeMissingID, fmt.Sprintf("a %s message has no id", typ))
		}
	case Stdout, Stderr, Shutdown, Ready:
	default:
		return nil, refuse(fields, CodeUnknownType, fmt.Sprintf("a message has the unknown type %.60q", typ))
	}
	if tooLong(id) {
		return nil, refuse(fields, CodeMalformed, fmt.Sprintf("a %s message has an id of more than %d characters", typ, maxIDBytes))
	}
	m := &Message{Type: typ, ID: id}
	switch at := fields["timestamp"].(type) {
	case float64:
		m.Timestamp = at
	case int64:
		m.Timestamp = float64(at)
	case uint64:
		m.Timestamp = float64(at)
	}
	m.Metadata, _ = fields["metadata"].(map[string]any)
	return m, nil
}

func callFields(m *Message, fields map[string]any) (fault *Fault) {
	if m.Function, fault = text(fields, "function"); fault != nil {
		return fault
	}
	m.Args = []any{}
	switch args := fields["args"].(type) {
	case nil:
	case []any:
		m.Args = args
	default:
		return refuse(fields, CodeMalformed, "a call's 'args' must be an array")
	}
	m.Namespace = DefaultNamespace
	if namespace, ok := fields["namespace"].(string); ok {
		m.Namespace = namespace
	}
	// The older JavaScript implementation writes clientName.
	for _, name := range []string{"clientName", "client_name"} {
		if client, ok := fields[name].(string); ok {
			m.ClientName = client
		}
	}
	return nil
}

func text(fields map[string]any, name string) (string, *Fault) {
	switch value := fields[name].(type) {
	case nil:
		return "", nil
	case string:
		return value, nil
	default:
		return "", refuse(fields, CodeMalformed, fmt.Sprintf("the field '%s' of a message must be text", name))
	}
}

func refuse(fields map[string]any, code, what string) *Fault {
	fault := &Fault{Code: code, What: what}
	fault.Type, _ = fields["type"].(string)
	if id, _ := fields["id"].(string); !tooLong(id) {
		fault.ID = id
	}
	return fault
}

// tooLong reports whether an id has too many characters.
func tooLong(id string) bool { return len(id) > maxIDBytes && utf8.RuneCountInString(id) > maxIDBytes }

func has(fields map[string]any, name string) bool {
	_, ok := fields[name]
	return ok
}
