package multifrost

import (
	"encoding"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"time"

	"github.com/multifrost/multifrost-go/internal/wire"
)

// Ext is a MessagePack extension without a Go type. Timestamps are time.Time.
type Ext = wire.Ext

var (
	timeType      = reflect.TypeFor[time.Time]()
	bigIntType    = reflect.TypeFor[big.Int]()
	errorType     = reflect.TypeFor[error]()
	textReader    = reflect.TypeFor[encoding.TextUnmarshaler]()
	textWriter    = reflect.TypeFor[encoding.TextMarshaler]()
	maxExactFloat = float64(1 << 53)
)

// assign converts a value from the wire to a Go value of any type: integers if they fit, floats also from integers, structs
// from maps, pointers from the values they point to.
func assign(target reflect.Value, value any, path string) error {
	if value == nil {
		return assignNil(target, path)
	}
	t := target.Type()
	if given := reflect.ValueOf(value); given.Type() == t {
		target.Set(given)
		return nil
	}
	switch {
	case t.Kind() == reflect.Pointer:
		pointed := reflect.New(t.Elem())
		if err := assign(pointed.Elem(), value, path); err != nil {
			return err
		}
		target.Set(pointed)
		return nil
	case t == bigIntType:
		return assignBigInt(target, value, path)
	case reflect.PointerTo(t).Implements(textReader) && t != timeType:
		if text, ok := value.(string); ok {
			if err := target.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			return nil
		}
	}
	return assignByKind(target, value, path)
}

func assignNil(target reflect.Value, path string) error {
	switch target.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Map:
		target.SetZero()
		return nil
	default:
		return mismatch(target.Type(), nil, path)
	}
}

func assignByKind(target reflect.Value, value any, path string) error {
	switch target.Kind() {
	case reflect.Interface:
		if target.NumMethod() == 0 {
			target.Set(reflect.ValueOf(value))
			return nil
		}
	case reflect.Bool:
		if b, ok := value.(bool); ok {
			target.SetBool(b)
			return nil
		}
	case reflect.String:
		if text, ok := value.(string); ok {
			target.SetString(text)
			return nil
		}
	case reflect.Float32, reflect.Float64:
		return assignFloat(target, value, path)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return assignInt(target, value, path)
	case reflect.Slice, reflect.Array:
		return assignList(target, value, path)
	case reflect.Map:
		return assignMap(target, value, path)
	case reflect.Struct:
		return assignStruct(target, value, path)
	}
	return mismatch(target.Type(), value, path)
}

func assignInt(target reflect.Value, value any, path string) error {
	if f, ok := value.(float64); ok && f == math.Trunc(f) && math.Abs(f) <= maxExactFloat {
		value = int64(f) // a whole number from a language without integers
	}
	fits := false
	signed := target.CanInt()
	switch n := value.(type) {
	case int64:
		if signed {
			fits = !target.OverflowInt(n)
		} else {
			fits = n >= 0 && !target.OverflowUint(uint64(n))
		}
		if fits && signed {
			target.SetInt(n)
		} else if fits {
			target.SetUint(uint64(n))
		}
	case uint64:
		fits = !signed && !target.OverflowUint(n)
		if fits {
			target.SetUint(n)
		}
	default:
		return mismatch(target.Type(), value, path)
	}
	if !fits {
		return fmt.Errorf("%s: %v does not fit in %s", path, value, target.Type())
	}
	return nil
}

func assignFloat(target reflect.Value, value any, path string) error {
	switch n := value.(type) {
	case float64:
		if target.OverflowFloat(n) {
			return fmt.Errorf("%s: %v does not fit in %s", path, n, target.Type())
		}
		target.SetFloat(n)
	case int64:
		target.SetFloat(float64(n))
	case uint64:
		target.SetFloat(float64(n))
	default:
		return mismatch(target.Type(), value, path)
	}
	return nil
}

func assignBigInt(target reflect.Value, value any, path string) error {
	n := target.Addr().Interface().(*big.Int)
	switch value := value.(type) {
	case int64:
		n.SetInt64(value)
	case uint64:
		n.SetUint64(value)
	default:
		return mismatch(target.Type(), value, path)
	}
	return nil
}

func mismatch(t reflect.Type, value any, path string) error {
	return fmt.Errorf("%s: wants %s, not %s", path, t, kindOf(value))
}

// kindOf names the type of a value from the wire, as the protocol does in every language.
func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "nil"
	case bool:
		return "bool"
	case int64, uint64:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case []byte:
		return "bytes"
	case time.Time:
		return "time"
	case []any:
		return "list"
	case map[string]any:
		return "map"
	default:
		return "extension"
	}
}
