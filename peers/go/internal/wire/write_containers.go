package wire

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

func (w *writer) pointed(v reflect.Value) error {
	if v.IsNil() {
		w.out = appendNil(w.out)
		return nil
	}
	w.values-- // the pointer itself does not count
	if v.Kind() == reflect.Interface {
		return w.value(v.Elem())
	}
	leave, err := w.guard(address{v.Pointer(), 0, v.Type()})
	if err != nil {
		return err
	}
	defer leave()
	return w.value(v.Elem())
}

// list writes a nil slice as an empty one, so that a method that returns []T never returns nil to its caller.
func (w *writer) list(v reflect.Value) error {
	if v.Type().Elem().Kind() != reflect.Uint8 {
		return w.enter(v, w.items)
	}
	if v.Len() > w.limits.BinaryBytes {
		return w.limit("bytes in one binary value", "BinaryBytes", w.limits.BinaryBytes)
	}
	if v.Kind() == reflect.Slice {
		w.out = appendBinary(w.out, v.Bytes())
		return nil
	}
	data := make([]byte, v.Len())
	reflect.Copy(reflect.ValueOf(data), v)
	w.out = appendBinary(w.out, data)
	return nil
}

// enter writes a container. It refuses one that contains itself, and more levels than the limit.
func (w *writer) enter(v reflect.Value, write func(reflect.Value) error) error {
	if w.depth >= w.limits.Depth {
		return w.limit("levels of arrays and maps", "Depth", w.limits.Depth)
	}
	if v.Kind() == reflect.Map || v.Kind() == reflect.Slice && v.Len() > 0 {
		at := address{v.Pointer(), 0, v.Type()}
		if v.Kind() == reflect.Slice {
			at.length = v.Len()
		}
		leave, err := w.guard(at)
		if err != nil {
			return err
		}
		defer leave()
	}
	w.depth++
	defer func() { w.depth-- }()
	return write(v)
}

func (w *writer) guard(at address) (leave func(), err error) {
	if slices.Contains(w.within, at) {
		return nil, w.refuse("a value that contains itself cannot be sent")
	}
	w.within = append(w.within, at)
	return func() { w.within = w.within[:len(w.within)-1] }, nil
}

func (w *writer) items(v reflect.Value) error {
	if v.Len() > w.limits.ArrayLength {
		return w.limit("items in one array", "ArrayLength", w.limits.ArrayLength)
	}
	w.out = appendArrayHead(w.out, v.Len())
	for i := range v.Len() {
		if err := w.at(segment{index: i}, v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

// mapping writes a map in the order of its keys' bytes.
func (w *writer) mapping(v reflect.Value) error {
	if v.Len() > w.limits.MapLength {
		return w.limit("keys in one map", "MapLength", w.limits.MapLength)
	}
	type item struct {
		key   string
		value reflect.Value
	}
	items := make([]item, 0, v.Len())
	for each := v.MapRange(); each.Next(); {
		key, ok := textOfKey(each.Key())
		if !ok {
			return w.refuse(fmt.Sprintf("a map with keys of type %s cannot be sent; send a slice of structs", typeOfKey(each.Key())))
		}
		items = append(items, item{validText(key), each.Value()})
	}
	slices.SortFunc(items, func(a, b item) int { return strings.Compare(a.key, b.key) })
	for i := 1; i < len(items); i++ {
		if items[i].key == items[i-1].key {
			return w.refuse(fmt.Sprintf("a map with two keys that are the text %.60q cannot be sent; send a slice of structs", items[i].key))
		}
	}
	w.out = appendMapHead(w.out, len(items))
	for _, item := range items {
		if err := w.keyed(item.key, item.value); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) record(v reflect.Value) error {
	type item struct {
		name  string
		value reflect.Value
	}
	fields := Fields(v.Type())
	if len(fields) == 0 && v.NumField() > 0 {
		return w.refuse(fmt.Sprintf("%s has no exported fields and cannot be sent; send what is needed of it, "+
			"or give it a method MarshalText or MarshalJSON", v.Type()))
	}
	items := make([]item, 0, len(fields))
	for _, field := range fields {
		value, err := v.FieldByIndexErr(field.Index)
		if err != nil || field.OmitEmpty && isEmpty(value) {
			continue // in an embedded pointer that is nil, or left out by omitempty
		}
		items = append(items, item{field.Name, value})
	}
	w.out = appendMapHead(w.out, len(items))
	for _, item := range items {
		if err := w.keyed(item.name, item.value); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) keyed(key string, v reflect.Value) error {
	w.values++
	if err := w.text(key); err != nil {
		return err
	}
	return w.at(segment{key: key, isKey: true}, v)
}

func (w *writer) at(step segment, v reflect.Value) error {
	w.path = append(w.path, step)
	err := w.value(v)
	w.path = w.path[:len(w.path)-1]
	return err
}

// typeOfKey returns the type of a key, also of one in an interface.
func typeOfKey(key reflect.Value) reflect.Type {
	for key.Kind() == reflect.Interface {
		key = key.Elem()
	}
	return key.Type()
}

func textOfKey(key reflect.Value) (string, bool) {
	for key.Kind() == reflect.Interface {
		key = key.Elem()
	}
	if !key.IsValid() {
		return "null", true
	}
	if key.Kind() == reflect.Pointer && key.IsNil() {
		return "", false
	}
	if marshaler, ok := key.Interface().(encoding.TextMarshaler); ok && key.Kind() != reflect.String {
		text, err := recovered(marshaler.MarshalText)
		return string(text), err == nil
	}
	switch key.Kind() {
	case reflect.String:
		return key.String(), true
	case reflect.Struct, reflect.Array, reflect.Pointer, reflect.Chan, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		return "", false
	default:
		return fmt.Sprint(key.Interface()), true
	}
}

func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map, reflect.String, reflect.Array:
		return v.Len() == 0
	default:
		return v.IsZero()
	}
}
