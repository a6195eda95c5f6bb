package wire

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// Field is a field of a struct as it is sent.
type Field struct {
	Name      string
	Index     []int
	Type      reflect.Type
	OmitEmpty bool
}

var fieldsOf sync.Map // reflect.Type to []Field

// Fields returns the exported fields of a struct and of its embedded structs, sorted by name. The name is that of the
// `msgpack` tag, the `json` tag or the field, in this order. A field tagged "-" is left out.
func Fields(t reflect.Type) []Field {
	if known, ok := fieldsOf.Load(t); ok {
		return known.([]Field)
	}
	byName := map[string]Field{}
	for _, f := range reflect.VisibleFields(t) {
		field, ok := fieldOf(f)
		if !ok {
			continue
		}
		// The field with the least depth wins, as everywhere in Go.
		if other, taken := byName[field.Name]; !taken || len(field.Index) < len(other.Index) {
			byName[field.Name] = field
		}
	}
	fields := make([]Field, 0, len(byName))
	for _, field := range byName {
		fields = append(fields, field)
	}
	slices.SortFunc(fields, func(a, b Field) int { return cmp.Compare(a.Name, b.Name) })
	fieldsOf.Store(t, fields)
	return fields
}

func fieldOf(f reflect.StructField) (Field, bool) {
	tag, found := f.Tag.Lookup("msgpack")
	if !found {
		tag = f.Tag.Get("json")
	}
	name, options, _ := strings.Cut(tag, ",")
	if !f.IsExported() || tag == "-" || f.Anonymous && name == "" && isStruct(f.Type) {
		return Field{}, false
	}
	if name == "" {
		name = f.Name
	}
	omit := slices.Contains(strings.Split(options, ","), "omitempty")
	return Field{Name: name, Index: f.Index, Type: f.Type, OmitEmpty: omit}, true
}

// isStruct reports whether t is a struct, whose fields are promoted when it is embedded.
func isStruct(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct && t != timeType
}
