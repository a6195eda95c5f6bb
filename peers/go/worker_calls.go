package multifrost

import (
	"fmt"
	"strings"

	"github.com/multifrost/multifrost-go/internal/link"
	"github.com/multifrost/multifrost-go/internal/wire"
)

// receive handles one message of a parent. It never fails, whatever the message is.
func (w *workerLifecycle) receive(from *link.Link, payload []byte) {
	m, fault := w.codec.Decode(payload)
	if fault != nil {
		w.refuseUnreadable(from, fault)
		return
	}
	w.seen(from)
	switch m.Type {
	case wire.Call:
		w.takeCall(from, m)
	case wire.Heartbeat:
		// Answers are not answered. A parent whose queue is full does not get this one.
		if answered, _ := m.Metadata["hb_response"].(bool); !answered {
			if data, err := w.codec.Encode(wire.HeartbeatAnswer(m)); err == nil {
				from.TrySend(data)
			}
		}
	case wire.Shutdown:
		w.shutdown()
	}
}

// refuseUnreadable answers an unreadable call if its id can be read. Otherwise its caller would wait without end.
func (w *workerLifecycle) refuseUnreadable(from *link.Link, fault *wire.Fault) {
	if fault.Ignored() {
		return
	}
	w.drop(fault.What)
	if fault.Type == wire.Call && fault.ID != "" {
		w.answerError(from, fault.ID, &failure{Name: "MalformedMessageError", Code: fault.Code, Message: sentence(fault.What)})
	}
}

func (w *workerLifecycle) takeCall(from *link.Link, m *wire.Message) {
	refuse := func(f *failure) { w.answerError(from, m.ID, f) }
	if m.Namespace != w.config.namespace {
		if !w.config.ignoreNamespaces {
			refuse(refusal(CodeWrongNamespace, "No namespace '%s' here; this worker's is '%s'", shown(m.Namespace), w.config.namespace))
		}
		return
	}
	if w.isIntrospection(m.Function) {
		w.answer(from, m, w.table.names, map[string]any{"interface": w.table.describe()})
		return
	}
	method, refused := w.table.find(m.Function)
	if refused != nil {
		refuse(refused)
		return
	}
	w.calls.take(&incoming{refuse: refuse, run: func() {
		result, failed := method.call(w.methods, m.Args)
		if failed != nil {
			refuse(failed)
			return
		}
		if method.result == nil {
			w.send(from, wire.Answer(wire.Response, m.ID)) // no result, which is not the same as nil
			return
		}
		w.answer(from, m, result, nil)
	}})
}

func (w *workerLifecycle) isIntrospection(name string) bool {
	_, own := w.table.methods[name]
	for _, known := range introspection {
		if name == known && !own {
			return true
		}
	}
	return false
}

// answer sends a result, or an error if the result cannot be sent.
func (w *workerLifecycle) answer(to *link.Link, m *wire.Message, result any, metadata map[string]any) {
	response := wire.Answer(wire.Response, m.ID)
	response.Result, response.HasResult, response.Metadata = result, true, metadata
	if err := w.send(to, response); err != nil {
		message := fmt.Sprintf("What '%s' returned cannot be sent. %v", m.Function, err)
		f := &failure{Name: "SerializationError", Message: message}
		if value, ok := err.(*wire.ValueError); ok {
			f.Code = value.Code
		}
		w.answerError(to, m.ID, f)
	}
}

// keptLengths are the lengths to which an error's texts are cut, in bytes, until the answer fits in the limits.
var keptLengths = []int{1 << 62, 4096, 256, 16}

func (w *workerLifecycle) answerError(to *link.Link, id string, f *failure) {
	for _, length := range keptLengths {
		parts := map[string]any{"name": cut(f.Name, length), "message": cut(f.Message, length)}
		if f.Code != "" && len(f.Code) <= length {
			parts["code"] = f.Code
		}
		if f.Stack != "" && len(f.Stack) <= length {
			parts["stack"] = f.Stack
		}
		answer := wire.Answer(wire.Error, id)
		answer.Error, answer.Metadata = cut(f.Message, length), map[string]any{"error": parts}
		if w.send(to, answer) == nil {
			return
		}
	}
	w.drop("an answer could not be sent: not even the shortest fits in the limits")
}

// send fails only if the message cannot be encoded. A message to a parent that is gone is dropped.
func (w *workerLifecycle) send(to *link.Link, m *wire.Message) error {
	data, err := w.codec.Encode(m)
	if err != nil {
		return err
	}
	_ = to.Send(data, nil)
	return nil
}

// sentence turns a text in Go's style into one as other languages show it.
func sentence(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

func cut(text string, length int) string {
	if len(text) <= length {
		return text
	}
	return strings.ToValidUTF8(text[:length], "")
}
