package multifrost

import (
	"context"
	"fmt"
	"reflect"
)

// Interface is what a worker tells of its functions. A type is "any", "nil", "bool", "int", "float", "str", "bytes" or
// "time", or a map with one key: list, map, tuple, union, literal or ref; nil where the language does not know.
type Interface struct {
	Language  string                 `msgpack:"language"`
	Functions map[string]FunctionDoc `msgpack:"functions"`
	Types     map[string]TypeDoc     `msgpack:"types"`
}

// FunctionDoc describes a function.
type FunctionDoc struct {
	Parameters []ParameterDoc `msgpack:"parameters"`
	Returns    any            `msgpack:"returns"`
	Doc        string         `msgpack:"doc"`
}

// ParameterDoc describes a parameter. Rest takes all arguments that are left.
type ParameterDoc struct {
	Name     string `msgpack:"name"`
	Type     any    `msgpack:"type"`
	Optional bool   `msgpack:"optional"`
	Rest     bool   `msgpack:"rest"`
}

// TypeDoc describes a record that types refer to.
type TypeDoc struct {
	Fields map[string]FieldDoc `msgpack:"fields"`
}

// FieldDoc describes a field of a record.
type FieldDoc struct {
	Type     any  `msgpack:"type"`
	Optional bool `msgpack:"optional"`
}

// Describe asks the worker for its functions with their parameters and types. Older workers tell only the names.
func (p *ParentWorker) Describe(ctx context.Context) (*Interface, error) {
	answer, err := p.introspect(ctx)
	if err != nil {
		return nil, err
	}
	found := &Interface{}
	if told, ok := answer.Metadata["interface"]; ok {
		if err := assign(reflect.ValueOf(found).Elem(), told, "interface"); err != nil {
			return nil, &SerializationError{Code: CodeUnexpectedResult, Path: "interface", Message: fmt.Sprintf("The worker's description cannot be read: %v.", err)}
		}
		return found, nil
	}
	var names []string
	if err := assign(reflect.ValueOf(&names).Elem(), answer.Result, "result"); err != nil {
		return nil, &SerializationError{Code: CodeUnexpectedResult, Path: "result", Message: fmt.Sprintf("The list of functions cannot be read: %v.", err)}
	}
	found.Functions = map[string]FunctionDoc{}
	for _, name := range names {
		found.Functions[name] = FunctionDoc{}
	}
	return found, nil
}
