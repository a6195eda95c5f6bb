package multifrost

import (
	"fmt"
	"strings"
	"sync"

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
		if !w.isCalled.Load() {
			w.isCalled.Store(true)
		}
		w.takeCall(from, m, held)
		return
	}
	from.Share().Give(held)
	switch m.Type {
	case wire.Heartbeat:
		// Answers are not answered. A parent whose queue is full does not get this one.
		if answered, _ := m.Metadata["hb_response"].(bool); !answered {
			if data, err := w.codec.AnswerHeartbeat(payload, wire.Now()); err == nil {
				from.SendUrgent(data)
			}
		}
	case wire.Shutdown:
		if w.isSpawned || w.config.allowRemoteShutdown {
			w.isAsked.Store(true)
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
		response := wire.Answer(wire.Response, m.ID)
		response.Result, response.HasResult = w.table.names, true
		response.Metadata = map[string]any{"interface": w.table.describe()}
		w.answer(from, m.Function, response, (*link.Link).Push)
		from.Share().Give(held)
		return
	}
	method, refused := w.table.find(m.Function)
	if refused != nil {
		refuse(refused)
		return
	}
	from.Calls.Add(1)
	w.calls.take(&workerCall{worker: w, from: from, message: m, method: method, held: held}, method.pace.mayRunInline(from.Quiet()))
}

// workerCall is a call of a method.
type workerCall struct {
	worker  *workerLifecycle
	from    *link.Link
	message *wire.Message
	method  *method
	held    int // bytes of memory
	inline  bool
}

func (c *workerCall) pending() int { return int(c.from.Calls.Load()) }

func (c *workerCall) refuse(f *failure) {
	c.worker.answerError(c.from, c.message.ID, f)
	c.end()
}

// end gives back what the call held.
func (c *workerCall) end() {
	c.from.Calls.Add(-1)
	c.from.Share().Give(c.held)
}

func (c *workerCall) runInline() {
	c.inline = true
	pace := &c.method.pace
	pace.ran(c.from.Inline(c.run, pace.isSlow))
}

// run calls the method and answers, also if the method ends its goroutine.
func (c *workerCall) run() {
	var result any
	var failed *failure
	returned := false
	defer func() {
		id := c.message.ID
		switch {
		case !returned:
			c.worker.answerError(c.from, id, &failure{Name: "panic", Message: fmt.Sprintf("'%s' ended its goroutine without returning", c.method.name)})
		case failed != nil:
			c.worker.answerError(c.from, id, failed)
		default:
			c.answer(result)
		}
		c.end()
	}()
	result, failed = c.method.call(c.worker.methods, c.message.Args)
	returned = true
}

// answer sends a result: none, which is not the same as nil, for a method without one.
func (c *workerCall) answer(result any) {
	send := (*link.Link).Push
	if c.inline {
		send = (*link.Link).PushLater
	}
	response := wire.Answer(wire.Response, c.message.ID)
	response.Result, response.HasResult = result, c.method.result != nil
	c.worker.answer(c.from, c.message.Function, response, send)
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

// answer sends a response, or an error if the result cannot be sent.
func (w *workerLifecycle) answer(to *link.Link, function string, response *wire.Message, send func(*link.Link, []byte) error) {
	if err := w.sendBy(send, to, response); err != nil {
		f := &failure{Name: "SerializationError", Message: fmt.Sprintf("What '%s' returned cannot be sent. %v", function, err)}
		if value, ok := err.(*wire.ValueError); ok {
			f.Code = value.Code
		}
		w.answerError(to, response.ID, f)
	}
}

// keptLengths are the lengths to which an error's texts are cut, in bytes, until the answer fits in the limits.
var keptLengths = []int{maxErrorText + len("\n[...]\n"), 4096, 256, 16}

func (w *workerLifecycle) answerError(to *link.Link, id string, f *failure) {
	if w.sendFailure(to, id, f) {
		return
	}
	for _, length := range keptLengths {
		if w.sendFailure(to, id, f.shortened(length)) {
			return
		}
	}
	w.drop("an answer could not be sent: not even the shortest fits in the limits")
}

func (w *workerLifecycle) sendFailure(to *link.Link, id string, f *failure) (sent bool) {
	answer := wire.Answer(wire.Error, id)
	answer.Error, answer.Metadata = f.Message, map[string]any{"error": f.parts()}
	return w.send(to, answer) == nil
}

// buffers are used again for answers that Push copies.
var buffers = sync.Pool{New: func() any { return new([link.CopiedBytes]byte) }}

// send fails only if the message cannot be encoded. A message to a parent that is gone is dropped.
func (w *workerLifecycle) send(to *link.Link, m *wire.Message) error {
	return w.sendBy((*link.Link).Push, to, m)
}

func (w *workerLifecycle) sendBy(send func(*link.Link, []byte) error, to *link.Link, m *wire.Message) error {
	buffer := buffers.Get().(*[link.CopiedBytes]byte)
	defer buffers.Put(buffer)
	data, err := w.codec.Append(buffer[:0], m)
	if err == nil {
		_ = send(to, data) // data that is too long for the buffer is not in it
	}
	return err
}

// sentence turns a text in Go's style into one as other languages show it.
func sentence(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
