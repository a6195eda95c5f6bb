package wire

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"time"
)

var (
	timeType   = reflect.TypeFor[time.Time]()
	extType    = reflect.TypeFor[Ext]()
	bigIntType = reflect.TypeFor[big.Int]()
	numberType = reflect.TypeFor[json.Number]()
	textWriter = reflect.TypeFor[encoding.TextMarshaler]()
	jsonWriter = reflect.TypeFor[json.Marshaler]()
)

// writer encodes Go values as MessagePack. It stops at the first value that cannot be sent.
type writer struct {
	out    []byte
	limits Limits
	values int
	depth  int
	root   string // the field of the message that is written
	path   []segment
	within []address
}

// segment is a step from a value into one that it contains: by a key, or by an index.
type segment struct {
	key   string
	isKey bool
	index int
}

// address identifies a map, slice or pointer, to detect one that contains itself.
type address struct {
	at     uintptr
	length int
	typ    reflect.Type
}

// field writes the value of a field of the message.
func (w *writer) field(name string, value any) error {
	w.root, w.path = name, w.path[:0]
	return w.any(value)
}

// any writes a value. The usual ones need no reflection.
func (w *writer) any(value any) error {
	if w.values < w.limits.Values {
		switch v := value.(type) {
		case nil:
			w.out = appendNil(w.out)
		case bool:
			w.out = appendBool(w.out, v)
		case int:
			w.out = appendInt(w.out, int64(v))
		case int64:
			w.out = appendInt(w.out, v)
		case float64:
			w.float(v)
		case string:
			w.values++
			return w.text(v)
		default:
			return w.value(reflect.ValueOf(value))
		}
	}
	w.values++
	if w.values > w.limits.Values {
		return w.limit("values in one message", "Values", w.limits.Values)
	}
	return nil
}

func (w *writer) value(v reflect.Value) error {
	if w.values++; w.values > w.limits.Values {
		return w.limit("values in one message", "Values", w.limits.Values)
	}
	if !v.IsValid() {
		w.out = appendNil(w.out)
		return nil
	}
	if done, err := w.special(v); done {
		return err
	}
	switch v.Kind() {
	case reflect.Bool:
		w.out = appendBool(w.out, v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		w.out = appendInt(w.out, v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		w.out = appendUint(w.out, v.Uint())
	case reflect.Float32, reflect.Float64:
		w.float(v.Float())
	case reflect.String:
		return w.text(v.String())
	case reflect.Interface, reflect.Pointer:
		return w.pointed(v)
	case reflect.Slice, reflect.Array:
		return w.list(v)
	case reflect.Map:
		return w.enter(v, w.mapping)
	case reflect.Struct:
		return w.enter(v, w.record)
	default:
		return w.refuse(describeKind(v))
	}
	return nil
}

// special writes types that are not encoded by their kind.
func (w *writer) special(v reflect.Value) (done bool, err error) {
	switch v.Type() {
	case timeType:
		w.out = appendTime(w.out, v.Interface().(time.Time))
		return true, nil
	case extType:
		return true, w.extension(v.Interface().(Ext))
	case bigIntType:
		n := v.Interface().(big.Int)
		return true, w.bigInt(&n)
	case numberType:
		return true, w.number(json.Number(v.String()))
	}
	if v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer && v.IsNil() {
		return false, nil
	}
	if v.Kind() == reflect.Pointer && (v.Type().Elem() == timeType || v.Type().Elem() == bigIntType) || !v.CanInterface() {
		return false, nil
	}
	if t := v.Type(); v.Kind() == reflect.Struct && hasMarshaler(reflect.PointerTo(t)) && !hasMarshaler(t) {
		pointer := reflect.New(t) // the method has a pointer as its receiver
		pointer.Elem().Set(v)
		v = pointer
	}
	switch value := v.Interface().(type) {
	case encoding.TextMarshaler:
		return true, w.marshaled(value, value.MarshalText, func(text []byte) error { return w.text(string(text)) })
	case error:
		name, message := ErrorName(value), value.Error()
		return true, w.enter(reflect.ValueOf(map[string]string{"message": message, "name": name}), w.mapping)
	case json.Marshaler:
		return true, w.marshaled(value, value.MarshalJSON, w.json)
	}
	return false, nil
}

func hasMarshaler(t reflect.Type) bool { return t.Implements(textWriter) || t.Implements(jsonWriter) }

// marshaled writes what a method of the value has returned. A method that panics is refused as one that fails.
func (w *writer) marshaled(value any, marshal func() ([]byte, error), write func([]byte) error) error {
	text, err := recovered(marshal)
	if err != nil {
		return w.refuse(fmt.Sprintf("%T cannot be sent: %v", value, err))
	}
	return write(text)
}

func recovered(marshal func() ([]byte, error)) (text []byte, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v", reason)
		}
	}()
	return marshal()
}

// json writes JSON as the values that it has. Whole numbers without a fraction or an exponent are integers.
func (w *writer) json(text []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return w.refuse(fmt.Sprintf("a value whose MarshalJSON returns no JSON cannot be sent: %v", err))
	}
	w.values-- // counted already
	return w.value(reflect.ValueOf(value))
}

// number writes a number of JSON.
func (w *writer) number(n json.Number) error {
	if whole, ok := new(big.Int).SetString(string(n), 10); ok && (whole.IsInt64() || whole.IsUint64()) {
		return w.bigInt(whole)
	}
	f, err := n.Float64()
	if err != nil {
		return w.text(string(n)) // a json.Number of the user may have any text
	}
	w.float(f)
	return nil
}

func (w *writer) bigInt(n *big.Int) error {
	switch {
	case n.IsInt64():
		w.out = appendInt(w.out, n.Int64())
	case n.IsUint64():
		w.out = appendUint(w.out, n.Uint64())
	default:
		return w.refuse("a big.Int beyond 64 bits cannot be sent; send it as text")
	}
	return nil
}

// float writes whole numbers as floats too. It writes NaN and infinities as nil, since not every language can read them.
func (w *writer) float(f float64) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		w.out = appendNil(w.out)
		return
	}
	w.out = appendFloat(w.out, f)
}

func (w *writer) text(text string) error {
	if len(text) > w.limits.StringBytes {
		return w.limit("bytes in one string", "StringBytes", w.limits.StringBytes)
	}
	w.out = appendText(w.out, validText(text))
	return nil
}

func (w *writer) extension(ext Ext) error {
	if len(ext.Data) > w.limits.BinaryBytes {
		return w.limit("bytes in one binary value", "BinaryBytes", w.limits.BinaryBytes)
	}
	w.out = appendExt(w.out, ext.Type, ext.Data)
	return nil
}

// pathText says where the value is that is written, such as args[0].name.
func (w *writer) pathText() string {
	text := w.root
	for _, step := range w.path {
		if step.isKey {
			text += "." + step.key
		} else {
			text += "[" + strconv.Itoa(step.index) + "]"
		}
	}
	return text
}

func (w *writer) refuse(what string) error {
	return &ValueError{Code: CodeUnsendable, Path: w.pathText(), What: what}
}

func (w *writer) limit(what, name string, limit int) error {
	what = fmt.Sprintf("more than %d %s (Limits.%s)", limit, what, name)
	return &ValueError{Code: CodeLimit, Path: w.pathText(), What: what}
}

// describeKind says that a kind of value cannot be sent, and what to send instead.
func describeKind(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Func:
		return "function cannot be sent; send what it returns"
	case reflect.Chan:
		return "channel cannot be sent; send a slice of what comes out of it"
	case reflect.Complex64, reflect.Complex128:
		return v.Type().String() + " cannot be sent; send its real and its imaginary part"
	default:
		return v.Type().String() + " cannot be sent"
	}
}
