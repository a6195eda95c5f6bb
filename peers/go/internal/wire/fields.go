package wire

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// Field is a field of a struct as it travels.
type Field struct {
	Name      string
	Index     []int
	Type      reflect.Type
	OmitEmpty bool
}

var fieldsOf sync.Map // reflect.Type to []Field

// Fields gives the exported fields of a struct, those of embedded structs included, by the names that they have in a
// `msgpack` or else a `json` tag, or their own; sorted by name. A field tagged "-" is left out.
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
		// The field that is the least deep wins, as everywhere in Go.
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

// isStruct tells an embedded struct, whose fields stand for themselves.
func isStruct(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct && t != timeType
}
