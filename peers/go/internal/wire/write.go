package wire

import (
	"bytes"
	"encoding"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strings"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

var (
	timeType   = reflect.TypeFor[time.Time]()
	extType    = reflect.TypeFor[Ext]()
	bigIntType = reflect.TypeFor[big.Int]()
)

// writer encodes Go values as MessagePack. It stops at the first value that cannot be sent.
type writer struct {
	buf    bytes.Buffer
	enc    *msgpack.Encoder
	limits Limits
	values int
	depth  int
	path   []string
	within []address
}

// address identifies a map, slice or pointer, to detect one that contains itself.
type address struct {
	at     uintptr
	length int
	typ    reflect.Type
}

func newWriter(limits Limits) *writer {
	w := &writer{limits: limits}
	w.enc = msgpack.NewEncoder(&w.buf)
	return w
}

// field writes the value of a field of the message, or an argument.
func (w *writer) field(path string, value any) error {
	w.path = append(w.path[:0], path)
	w.depth = 0
	return w.value(reflect.ValueOf(value))
}

func (w *writer) value(v reflect.Value) error {
	if w.values++; w.values > w.limits.Values {
		return w.limit("values in one message", "Values", w.limits.Values)
	}
	if !v.IsValid() {
		return w.enc.EncodeNil()
	}
	if done, err := w.special(v); done {
		return err
	}
	switch v.Kind() {
	case reflect.Bool:
		return w.enc.EncodeBool(v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return w.enc.EncodeInt(v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return w.enc.EncodeUint(v.Uint())
	case reflect.Float32, reflect.Float64:
		return w.float(v.Float())
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
		return w.refuse(fmt.Sprintf("%s cannot be sent", describeKind(v)))
	}
}

// special writes types that are not encoded by their kind.
func (w *writer) special(v reflect.Value) (done bool, err error) {
	switch v.Type() {
	case timeType:
		return true, w.enc.EncodeTime(v.Interface().(time.Time))
	case extType:
		return true, w.extension(v.Interface().(Ext))
	case bigIntType:
		n := v.Interface().(big.Int)
		return true, w.bigInt(&n)
	}
	if v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer && v.IsNil() {
		return false, nil
	}
	if v.Kind() == reflect.Pointer && (v.Type().Elem() == timeType || v.Type().Elem() == bigIntType) || !v.CanInterface() {
		return false, nil
	}
	switch value := v.Interface().(type) {
	case encoding.TextMarshaler:
		return true, w.marshaler(value)
	case error:
		name, message := ErrorName(value), value.Error()
		return true, w.enter(reflect.ValueOf(map[string]string{"message": message, "name": name}), w.mapping)
	}
	return false, nil
}

func (w *writer) marshaler(value encoding.TextMarshaler) error {
	text, err := value.MarshalText()
	if err != nil {
		return w.refuse(fmt.Sprintf("%T cannot be sent: %v", value, err))
	}
	return w.text(string(text))
}

func (w *writer) bigInt(n *big.Int) error {
	switch {
	case n.IsInt64():
		return w.enc.EncodeInt(n.Int64())
	case n.IsUint64():
		return w.enc.EncodeUint(n.Uint64())
	default:
		return w.refuse("a big.Int beyond 64 bits cannot be sent; send it as text")
	}
}

// float writes whole numbers as floats too. It writes NaN and infinities as nil, since not every language can read them.
func (w *writer) float(f float64) error {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return w.enc.EncodeNil()
	}
	return w.enc.EncodeFloat64(f)
}

func (w *writer) text(text string) error {
	if len(text) > w.limits.StringBytes {
		return w.limit("bytes in one string", "StringBytes", w.limits.StringBytes)
	}
	return w.enc.EncodeString(validText(text))
}

func (w *writer) extension(ext Ext) error {
	if len(ext.Data) > w.limits.BinaryBytes {
		return w.limit("bytes in one binary value", "BinaryBytes", w.limits.BinaryBytes)
	}
	if err := w.enc.EncodeExtHeader(ext.Type, len(ext.Data)); err != nil {
		return err
	}
	w.buf.Write(ext.Data)
	return nil
}

func (w *writer) refuse(what string) error {
	return &ValueError{Code: CodeUnsendable, Path: strings.Join(w.path, ""), What: what}
}

func (w *writer) limit(what, name string, limit int) error {
	what = fmt.Sprintf("more than %d %s (Limits.%s)", limit, what, name)
	return &ValueError{Code: CodeLimit, Path: strings.Join(w.path, ""), What: what}
}

func describeKind(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Func:
		return "function"
	case reflect.Chan:
		return "channel"
	default:
		return v.Type().String()
	}
}
