package wire

import (
	"reflect"
	"strings"
)

// ErrorName is how an error's type is told to other languages: the Go type without its package,
// or "error" for those that have no telling type.
func ErrorName(err error) string {
	name, _, _ := strings.Cut(strings.TrimLeft(reflect.TypeOf(err).String(), "*"), "[")
	switch name {
	case "errors.errorString", "errors.joinError", "fmt.wrapError", "fmt.wrapErrors":
		return "error"
	}
	return name[strings.LastIndexByte(name, '.')+1:]
}
