package multifrost

import (
	"fmt"
	"strings"

	"github.com/multifrost/multifrost-go/internal/link"
	"github.com/multifrost/multifrost-go/internal/wire"
)

// receive handles one message of a parent. It never fails, whatever the message is.
func (w *workerLifecycle) receive(from *link.Link, payload []byte) {
	held, m, fault := w.codec.DecodeWithin(payload, from.Share().Take)
	if fault != nil && fault.Code == wire.CodeOverloaded && fault.Type == wire.Heartbeat && len(payload) <= maxHeartbeat {
		held = 0
		m, fault = w.codec.Decode(payload) // nothing of it is kept
	}
	if fault != nil {
		from.Share().Give(held)
		w.refuseUnreadable(from, fault)
		return
	}
	w.seen(from)
	if m.Type == wire.Call {
		w.takeCall(from, m, held)
		return
	}
	from.Share().Give(held)
	switch m.Type {
	case wire.Heartbeat:
		// Answers are not answered. A parent whose queue is full does not get this one.
		if answered, _ := m.Metadata["hb_response"].(bool); !answered {
			if data, err := w.codec.Encode(wire.HeartbeatAnswer(m)); err == nil {
				from.SendUrgent(data)
			}
		}
	case wire.Shutdown:
		if w.isSpawned || w.config.allowRemoteShutdown {
			w.shutdown()
			return
		}
		w.drop("a parent asked this service to end, which WithAllowRemoteShutdown allows")
	}
}

// maxHeartbeat is the longest heartbeat that is answered while the parent uses all the memory it has, in bytes.
const maxHeartbeat = 4 << 10

// refuseUnreadable answers an unreadable call if its id can be read. Otherwise its caller would wait without end.
func (w *workerLifecycle) refuseUnreadable(from *link.Link, fault *wire.Fault) {
	if fault.Ignored() {
		return
	}
	w.drop(fault.What)
	switch {
	case fault.Type != wire.Call || fault.ID == "":
	case fault.Code == wire.CodeOverloaded:
		w.answerError(from, fault.ID, refusal(CodeOverloaded, "%s", sentence(fault.What)))
	default:
		w.answerError(from, fault.ID, &failure{Name: "MalformedMessageError", Code: fault.Code, Message: sentence(fault.What)})
	}
}

// takeCall answers a call now or later, and then gives back the memory that is held for it.
func (w *workerLifecycle) takeCall(from *link.Link, m *wire.Message, held int) {
	refuse := func(f *failure) {
		w.answerError(from, m.ID, f)
		from.Share().Give(held)
	}
	switch {
	case m.Namespace != w.config.namespace && w.config.ignoreNamespaces:
		from.Share().Give(held)
		return
	case m.Namespace != w.config.namespace:
		refuse(refusal(CodeWrongNamespace, "No namespace '%s' here; this worker's is '%s'", shown(m.Namespace), w.config.namespace))
		return
	case w.isIntrospection(m.Function):
		w.answer(from, m, w.table.names, map[string]any{"interface": w.table.describe()})
		from.Share().Give(held)
		return
	}
	method, refused := w.table.find(m.Function)
	if refused != nil {
		refuse(refused)
		return
	}
	call := &incoming{refuse: refuse, run: func() { w.run(from, m, method, held) }}
	if from.Quiet() && method.mayRunInline() {
		call.inline = func(run func()) {
			if !from.Inline(run) {
				method.wasSlow()
			}
		}
	}
	w.calls.take(call)
}

// run calls a method and answers, also if the method ends its goroutine.
func (w *workerLifecycle) run(from *link.Link, m *wire.Message, method *method, held int) {
	var result any
	var failed *failure
	returned := false
	defer func() {
		switch {
		case !returned:
			w.answerError(from, m.ID, &failure{Name: "panic", Message: fmt.Sprintf("'%s' ended its goroutine without returning", method.name)})
		case failed != nil:
			w.answerError(from, m.ID, failed)
		case method.result == nil:
			w.send(from, wire.Answer(wire.Response, m.ID)) // no result, which is not the same as nil
		default:
			w.answer(from, m, result, nil)
		}
		from.Share().Give(held)
	}()
	result, failed = method.call(w.methods, m.Args)
	returned = true
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
	_ = to.Push(data)
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
