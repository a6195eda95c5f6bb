package multifrost

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/multifrost/multifrost-go/internal/wire"
)

func assignList(target reflect.Value, value any, path string) error {
	if data, ok := value.([]byte); ok && target.Type().Elem().Kind() == reflect.Uint8 {
		if err := makeRoom(target, len(data), path); err != nil {
			return err
		}
		reflect.Copy(target, reflect.ValueOf(data))
		return nil
	}
	items, ok := value.([]any)
	if !ok {
		return mismatch(target.Type(), value, path)
	}
	if err := makeRoom(target, len(items), path); err != nil {
		return err
	}
	for i, item := range items {
		if err := assign(target.Index(i), item, path+"["+strconv.Itoa(i)+"]"); err != nil {
			return err
		}
	}
	return nil
}

// makeRoom makes a slice of the given length, or checks the length of an array.
func makeRoom(target reflect.Value, length int, path string) error {
	if target.Kind() == reflect.Slice {
		target.Set(reflect.MakeSlice(target.Type(), length, length))
	} else if target.Len() != length {
		return fmt.Errorf("%s: wants %d items, not %d", path, target.Len(), length)
	}
	return nil
}

func assignMap(target reflect.Value, value any, path string) error {
	items, ok := value.(map[string]any)
	if !ok {
		return mismatch(target.Type(), value, path)
	}
	t := target.Type()
	target.Set(reflect.MakeMapWithSize(t, len(items)))
	for name, item := range items {
		key := reflect.New(t.Key()).Elem()
		if err := assignKey(key, name, path); err != nil {
			return err
		}
		element := reflect.New(t.Elem()).Elem()
		if err := assign(element, item, path+"."+name); err != nil {
			return err
		}
		target.SetMapIndex(key, element)
	}
	return nil
}

// assignKey converts the text of a key to the type of the map's keys.
func assignKey(key reflect.Value, name, path string) error {
	switch {
	case key.CanInt():
		n, err := strconv.ParseInt(name, 10, key.Type().Bits())
		if err != nil {
			return fmt.Errorf("%s: the key %q is no %s", path, name, key.Type())
		}
		key.SetInt(n)
		return nil
	case key.CanUint():
		n, err := strconv.ParseUint(name, 10, key.Type().Bits())
		if err != nil {
			return fmt.Errorf("%s: the key %q is no %s", path, name, key.Type())
		}
		key.SetUint(n)
		return nil
	}
	return assign(key, name, path)
}

// assignStruct assigns the fields that are present. Others keep their zero value; keys without a field are ignored.
func assignStruct(target reflect.Value, value any, path string) error {
	items, ok := value.(map[string]any)
	if !ok || target.Type() == timeType {
		return mismatch(target.Type(), value, path)
	}
	for _, field := range wire.Fields(target.Type()) {
		item, ok := lookUp(items, field.Name)
		if !ok {
			continue
		}
		place := fieldAt(target, field.Index)
		if !place.IsValid() {
			return fmt.Errorf("%s.%s: %s embeds a pointer to a struct that is not exported, which cannot be made", path, field.Name, target.Type())
		}
		if err := assign(place, item, path+"."+field.Name); err != nil {
			return err
		}
	}
	return nil
}

// lookUp prefers the exact name and accepts another case, as encoding/json does.
func lookUp(items map[string]any, name string) (any, bool) {
	if item, ok := items[name]; ok {
		return item, true
	}
	for key, item := range items {
		if strings.EqualFold(key, name) {
			return item, true
		}
	}
	return nil, false
}

// fieldAt returns a field, allocating embedded pointers on the way. It returns the zero Value if Go does not allow that.
func fieldAt(v reflect.Value, index []int) reflect.Value {
	for i, at := range index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() && !v.CanSet() {
				return reflect.Value{}
			}
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(at)
	}
	return v
}
