package multifrost

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/multifrost/multifrost-go/internal/wire"
)

// Bounds on what an answer says about an error.
const (
	maxErrorDepth  = 10        // levels of wrapped and joined errors
	maxErrors      = 100       // errors of one answer
	maxErrorText   = 256 << 10 // a message or stack, in bytes
	maxNestedText  = 16 << 10  // the same of a wrapped error
	maxErrorName   = 1000      // a name or code, in bytes
	maxErrorData   = 64 << 10  // all fields of one answer, in bytes
	maxErrorFields = 100       // fields of one error
	maxFieldLevels = 16        // arrays and maps within a field
)

// failure is the answer to a call that has no result.
type failure struct {
	Name, Message, Stack string
	Code                 any // a string or an integer; nil if there is none
	Cause                *failure
	Errors               []*failure
	Data                 map[string]any
}

func refusal(code, format string, args ...any) *failure {
	return &failure{Name: "RefusedCall", Message: fmt.Sprintf(format, args...), Code: code}
}

// failureOf splits an error for the wire, with the errors that it wraps and its exported fields. It panics where a method of
// the error does.
func failureOf(err error) *failure {
	return new(errorDescriber).describe(err, nil)
}

// errorDescriber describes one error, and counts what is in the answer so far.
type errorDescriber struct {
	errors, dataBytes int
}

// describe returns the parts of err, which the errors around it wrap.
func (d *errorDescriber) describe(err error, around []error) *failure {
	d.errors++
	longest := maxErrorText
	if len(around) > 0 {
		longest = maxNestedText
	}
	f := &failure{Name: cut(wire.ErrorName(err), maxErrorName), Message: shorten(err.Error(), longest), Code: codeOf(err)}
	within := append(around[:len(around):len(around)], err)
	switch wrapper := err.(type) {
	case interface{ Unwrap() error }:
		if cause := wrapper.Unwrap(); d.mayDescribe(cause, within) {
			f.Cause = d.describe(cause, within)
		}
	case interface{ Unwrap() []error }:
		for _, joined := range wrapper.Unwrap() {
			if d.mayDescribe(joined, within) {
				f.Errors = append(f.Errors, d.describe(joined, within))
			}
		}
	}
	f.Data = d.data(err, f.Code != nil)
	return f
}

func (d *errorDescriber) mayDescribe(err error, around []error) bool {
	if err == nil || isNilPointer(err) || len(around) > maxErrorDepth || d.errors >= maxErrors {
		return false
	}
	for _, outer := range around {
		if reflect.TypeOf(err) == reflect.TypeOf(outer) && reflect.ValueOf(err).Comparable() && err == outer {
			return false
		}
	}
	return true
}

// data returns the exported fields that can be sent, as they arrive.
func (d *errorDescriber) data(err error, hasCode bool) map[string]any {
	v := reflect.Indirect(reflect.ValueOf(err))
	if !v.IsValid() || v.Kind() != reflect.Struct {
		return nil
	}
	data := map[string]any{}
	fields := wire.Fields(v.Type())
	for _, field := range fields[:min(len(fields), maxErrorFields)] {
		value, reached := v.FieldByIndexErr(field.Index)
		if reached != nil || isCode(field.Name) && hasCode || holdsErrors(value) || field.OmitEmpty && value.IsZero() {
			continue
		}
		if sent, ok := d.sendable(field.Name, value.Interface()); ok {
			data[field.Name] = sent
		}
	}
	if len(data) == 0 {
		return nil
	}
	return data
}

// fieldCodec tells whether a field can be sent, and makes the copy that is.
var fieldCodec = wire.NewCodec("", wire.Limits{MessageBytes: maxErrorData, Depth: maxFieldLevels})

func (d *errorDescriber) sendable(name string, value any) (sent any, ok bool) {
	m := wire.Answer(wire.Response, "field")
	m.Result, m.HasResult = value, true
	data, err := fieldCodec.Encode(m)
	if err != nil || d.dataBytes+len(data)+len(name) > maxErrorData {
		return nil, false
	}
	copied, fault := fieldCodec.Decode(data)
	if fault != nil {
		return nil, false
	}
	d.dataBytes += len(data) + len(name)
	return copied.Result, true
}

// codeOf returns an error's code, from its method or its exported field Code: a string or an integer.
func codeOf(err error) any {
	switch coded := err.(type) {
	case interface{ Code() string }:
		return validCode(reflect.ValueOf(coded.Code()))
	case interface{ Code() int }:
		return coded.Code()
	}
	if v := reflect.Indirect(reflect.ValueOf(err)); v.IsValid() && v.Kind() == reflect.Struct {
		if field, found := v.Type().FieldByName("Code"); found && field.IsExported() {
			code, _ := v.FieldByIndexErr(field.Index)
			return validCode(code)
		}
	}
	return nil
}

func validCode(v reflect.Value) any {
	switch {
	case !v.IsValid():
		return nil
	case v.Kind() == reflect.String && v.String() != "" && v.Len() <= maxErrorName:
		return v.String()
	case v.CanInt():
		return v.Int()
	case v.CanUint():
		return v.Uint()
	}
	return nil
}

func isCode(name string) bool { return strings.EqualFold(name, "code") }

// holdsErrors reports whether a field has errors, which are described as such if Unwrap returns them.
func holdsErrors(v reflect.Value) bool {
	t := v.Type()
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Implements(errorType) {
		return true
	}
	_, isError := v.Interface().(error)
	return isError
}

func isNilPointer(err error) bool {
	v := reflect.ValueOf(err)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

// parts returns the failure as metadata.error.
func (f *failure) parts() map[string]any {
	parts := map[string]any{"name": f.Name, "message": f.Message}
	if f.Code != nil {
		parts["code"] = f.Code
	}
	if f.Stack != "" {
		parts["stack"] = f.Stack
	}
	if f.Cause != nil {
		parts["cause"] = f.Cause.parts()
	}
	if len(f.Errors) > 0 {
		errors := make([]any, len(f.Errors))
		for i, joined := range f.Errors {
			errors[i] = joined.parts()
		}
		parts["errors"] = errors
	}
	if f.Data != nil {
		parts["data"] = f.Data
	}
	return parts
}

// shortened returns the failure without what it wraps and its fields, and with texts of at most length bytes.
func (f *failure) shortened(length int) *failure {
	short := &failure{Name: cut(f.Name, length), Message: cut(f.Message, length)}
	if f.Code != nil && len(fmt.Sprint(f.Code)) <= length {
		short.Code = f.Code
	}
	if len(f.Stack) <= length {
		short.Stack = f.Stack
	}
	return short
}

// shorten leaves out the middle of a text that is longer than length bytes.
func shorten(text string, length int) string {
	if len(text) <= length {
		return text
	}
	return strings.ToValidUTF8(text[:length/2], "") + "\n[...]\n" + strings.ToValidUTF8(text[len(text)-length/2:], "")
}

func cut(text string, length int) string {
	if len(text) <= length {
		return text
	}
	return strings.ToValidUTF8(text[:length], "")
}
