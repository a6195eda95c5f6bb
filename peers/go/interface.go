package multifrost

import (
	"context"
	"fmt"
	"reflect"
)

// Interface describes the functions of a worker. A type is "any", "nil", "bool", "int", "float", "str", "bytes" or "time",
// or a map with one of the keys list, map, tuple, union, literal and ref, or nil if the worker's language does not know it.
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

// ParameterDoc describes a parameter. A parameter with Rest takes all remaining arguments.
type ParameterDoc struct {
	Name     string `msgpack:"name"`
	Type     any    `msgpack:"type"`
	Optional bool   `msgpack:"optional"`
	Rest     bool   `msgpack:"rest"`
}

// TypeDoc describes a record, such as a struct, that types refer to.
type TypeDoc struct {
	Fields map[string]FieldDoc `msgpack:"fields"`
}

// FieldDoc describes a field of a record.
type FieldDoc struct {
	Type     any  `msgpack:"type"`
	Optional bool `msgpack:"optional"`
}

// Describe asks the worker for its functions, with their parameters and types. Older workers send only the names.
func (p *ParentWorker) Describe(ctx context.Context) (*Interface, error) {
	answer, err := p.introspect(ctx)
	if err != nil {
		return nil, err
	}
	found := &Interface{}
	if sent, ok := answer.Metadata["interface"]; ok {
		if err := assign(reflect.ValueOf(found).Elem(), sent, "interface"); err != nil {
			return nil, &SerializationError{Code: CodeUnexpectedResult, Path: "interface", Message: fmt.Sprintf("the description of the worker cannot be read: %v", err)}
		}
		return found, nil
	}
	var names []string
	if err := assign(reflect.ValueOf(&names).Elem(), answer.Result, "result"); err != nil {
		return nil, &SerializationError{Code: CodeUnexpectedResult, Path: "result", Message: fmt.Sprintf("the list of functions cannot be read: %v", err)}
	}
	found.Functions = map[string]FunctionDoc{}
	for _, name := range names {
		found.Functions[name] = FunctionDoc{}
	}
	return found, nil
}
