package wire

import (
	"reflect"
	"strings"
)

// ErrorName returns the name of an error's type for other languages: the Go type without its package, or "error" for
// errors of errors.New, errors.Join and fmt.Errorf.
func ErrorName(err error) string {
	name, _, _ := strings.Cut(strings.TrimLeft(reflect.TypeOf(err).String(), "*"), "[")
	switch name {
	case "errors.errorString", "errors.joinError", "fmt.wrapError", "fmt.wrapErrors":
		return "error"
	}
	return name[strings.LastIndexByte(name, '.')+1:]
}
