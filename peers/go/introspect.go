package multifrost

import (
	"fmt"
	"reflect"
	"strconv"

	"github.com/multifrost/multifrost-go/internal/wire"
)

// describe returns the metadata that goes with the list of functions: parameters, results and the structs in them.
// Reflection does not know the names of parameters, so they are arg0, arg1 and so on.
func (t *methodTable) describe() map[string]any {
	d := &describer{types: map[string]any{}, names: map[reflect.Type]string{}}
	functions := map[string]any{}
	for name, m := range t.methods {
		functions[name] = d.function(m)
	}
	found := map[string]any{"language": "go", "functions": functions}
	if len(d.types) > 0 {
		found["types"] = d.types
	}
	return found
}

type describer struct {
	types map[string]any
	names map[reflect.Type]string
}

func (d *describer) function(m *method) map[string]any {
	parameters := make([]any, len(m.params))
	for i, t := range m.params {
		parameter := map[string]any{"name": "arg" + strconv.Itoa(i)}
		if m.variadic && i == len(m.params)-1 {
			parameter["rest"] = true
			t = t.Elem()
		}
		parameter["type"] = d.typ(t)
		parameters[i] = parameter
	}
	function := map[string]any{"parameters": parameters, "returns": "nil"}
	if m.result != nil {
		function["returns"] = d.typ(m.result)
	}
	return function
}

func (d *describer) typ(t reflect.Type) any {
	switch t {
	case timeType:
		return "time"
	case bigIntType:
		return "int"
	case reflect.TypeFor[Ext]():
		return "any"
	}
	if t.Kind() == reflect.Pointer {
		return d.pointer(t)
	}
	if t.Implements(textWriter) || reflect.PointerTo(t).Implements(textReader) {
		return "str"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "bool"
	case reflect.String:
		return "str"
	case reflect.Float32, reflect.Float64:
		return "float"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return "int"
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return map[string]any{"list": d.typ(t.Elem())}
	case reflect.Map:
		return map[string]any{"map": d.typ(t.Elem())}
	case reflect.Struct:
		return d.record(t)
	default:
		return "any"
	}
}

func (d *describer) pointer(t reflect.Type) any {
	pointed := d.typ(t.Elem())
	if inner, ok := pointed.(map[string]any); ok && inner["union"] != nil {
		return inner
	}
	return map[string]any{"union": []any{pointed, "nil"}}
}

// record describes a struct once, under its name, and returns a reference. A struct without a name is described as a map.
func (d *describer) record(t reflect.Type) any {
	if t.Name() == "" {
		return map[string]any{"map": "any"}
	}
	name, known := d.names[t]
	if !known {
		name = d.freeName(t)
		d.names[t] = name
		fields := map[string]any{}
		d.types[name] = map[string]any{"fields": fields}
		for _, field := range wire.Fields(t) {
			described := map[string]any{"type": d.typ(field.Type)}
			if field.OmitEmpty {
				described["optional"] = true
			}
			fields[field.Name] = described
		}
	}
	return map[string]any{"ref": name}
}

// freeName adds a number to types of the same name from different packages.
func (d *describer) freeName(t reflect.Type) string {
	name := t.Name()
	for n := 2; d.types[name] != nil; n++ {
		name = fmt.Sprintf("%s%d", t.Name(), n)
	}
	return name
}
