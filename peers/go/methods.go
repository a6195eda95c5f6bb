package multifrost

import (
	"context"
	"fmt"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"unicode"
)

// maxShown is how much of an unknown name an error repeats, in bytes: the name comes from a peer.
const maxShown = 100

// introspection has the name of the introspection function in every implementation.
var introspection = []string{"listFunctions", "list_functions", "ListFunctions"}

// method is a method that can be called.
type method struct {
	name        string
	receiver    reflect.Value
	function    reflect.Value // takes the receiver first
	withContext bool
	params      []reflect.Type // without the context; the last is a slice where variadic
	variadic    bool
	result      reflect.Type // nil if there is none
	withError   bool
	pace        pace
}

// methodTable has the methods that can be called.
type methodTable struct {
	methods map[string]*method
	uncalls map[string]bool // exported methods that cannot be called, such as one with three results
	names   []string
}

// newMethodTable takes the exported methods of target. A target without methods is an error.
func newMethodTable(target any, lowerCamel bool) (*methodTable, error) {
	v := reflect.ValueOf(target)
	if !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, &ConfigError{Code: CodeInvalidOption, Message: "NewWorker needs a value with methods, such as &Math{}, not nil"}
	}
	table := &methodTable{methods: map[string]*method{}, uncalls: map[string]bool{}}
	for i := range v.NumMethod() {
		name := v.Type().Method(i).Name
		if lowerCamel {
			name = lowerCamelName(name)
		}
		if m, ok := newMethod(name, v, v.Type().Method(i).Func); ok {
			table.methods[name] = m
			table.names = append(table.names, name)
		} else {
			table.uncalls[name] = true
		}
	}
	if len(table.names) == 0 {
		return nil, &ConfigError{Code: CodeInvalidOption, Message: fmt.Sprintf("%T has no exported methods that can be called; "+
			"pass a pointer if the methods have pointer receivers", target)}
	}
	slices.Sort(table.names)
	return table, nil
}

// newMethod reads a signature. It reports whether the results are (T, error), T, error or none.
func newMethod(name string, receiver, function reflect.Value) (*method, bool) {
	t := function.Type()
	m := &method{name: name, receiver: receiver, function: function, variadic: t.IsVariadic()}
	for i := 1; i < t.NumIn(); i++ {
		if i == 1 && t.In(1) == reflect.TypeFor[context.Context]() {
			m.withContext = true
			continue
		}
		m.params = append(m.params, t.In(i))
	}
	results := t.NumOut()
	if results > 0 && t.Out(results-1) == errorType {
		m.withError = true
		results--
	}
	if results == 1 {
		m.result = t.Out(0)
	}
	return m, results <= 1
}

// find returns the method with a name, or the refusal that says why there is none.
func (t *methodTable) find(name string) (*method, *failure) {
	if m, ok := t.methods[name]; ok {
		return m, nil
	}
	switch {
	case name == "":
		return nil, refusal(CodeMissingFunction, "Message missing 'function' field")
	case strings.HasPrefix(name, "_"):
		return nil, refusal(CodePrivateMethod, "Cannot call private method '%s'", shown(name))
	case t.uncalls[name]:
		return nil, refusal(CodeNotCallable, "'%s' is not callable", name)
	}
	hint := ""
	if nearest, ok := nearestName(name, t.names); ok {
		hint = fmt.Sprintf("; did you mean '%s'?", nearest)
	}
	return nil, refusal(CodeFunctionNotFound, "Function '%s' not found%s", shown(name), hint)
}

// call runs the method. It returns even if the method panics.
func (m *method) call(ctx context.Context, args []any) (result any, failed *failure) {
	in, err := m.arguments(ctx, args)
	if err != nil {
		return nil, &failure{Name: "ArgumentError", Message: err.Error()}
	}
	defer func() {
		if cause := recover(); cause != nil {
			failed = &failure{Name: "panic", Message: shorten(fmt.Sprint(cause), maxErrorText), Stack: shorten(string(debug.Stack()), maxErrorText)}
		}
	}()
	out := m.function.Call(in)
	if m.withError {
		if err, _ := out[len(out)-1].Interface().(error); err != nil {
			return nil, failureOf(err)
		}
	}
	if m.result != nil {
		result = out[0].Interface()
	}
	return result, nil
}

func (m *method) arguments(ctx context.Context, args []any) ([]reflect.Value, error) {
	fixed := len(m.params)
	if m.variadic {
		fixed--
	}
	if len(args) < fixed || len(args) > fixed && !m.variadic {
		atLeast := ""
		if m.variadic {
			atLeast = "at least "
		}
		return nil, fmt.Errorf("'%s' wants %s%s, not %d", m.name, atLeast, plural(fixed, "argument"), len(args))
	}
	in := make([]reflect.Value, 0, len(args)+2)
	in = append(in, m.receiver)
	if m.withContext {
		in = append(in, reflect.ValueOf(ctx))
	}
	for i, arg := range args {
		t := m.params[min(i, len(m.params)-1)]
		if i >= fixed {
			t = t.Elem()
		}
		if value, ok := quickValue(t, arg); ok {
			in = append(in, value)
			continue
		}
		value := reflect.New(t).Elem()
		if assign(value, arg, "") != nil {
			err := assign(value, arg, fmt.Sprintf("args[%d]", i)) // only an error needs the path
			return nil, fmt.Errorf("'%s' cannot take its argument %d: %w", m.name, i, err)
		}
		in = append(in, value)
	}
	return in, nil
}

var (
	intType   = reflect.TypeFor[int]()
	floatType = reflect.TypeFor[float64]()
)

// quickValue converts the usual arguments without the memory that a target for assign takes.
func quickValue(t reflect.Type, arg any) (reflect.Value, bool) {
	switch n := arg.(type) {
	case nil:
		return reflect.Value{}, false
	case int64:
		if t == intType && int64(int(n)) == n {
			return reflect.ValueOf(int(n)), true
		}
		if t == floatType {
			return reflect.ValueOf(float64(n)), true
		}
	}
	value := reflect.ValueOf(arg)
	return value, value.Type() == t || t.Kind() == reflect.Interface && t.NumMethod() == 0
}

// lowerCamelName turns Add into add, PID into pid and HTTPGet into httpGet.
func lowerCamelName(name string) string {
	runes := []rune(name)
	for i, r := range runes {
		if !unicode.IsUpper(r) || i > 0 && i+1 < len(runes) && unicode.IsLower(runes[i+1]) {
			break
		}
		runes[i] = unicode.ToLower(r)
	}
	return string(runes)
}

func shown(name string) string {
	if len(name) <= maxShown {
		return name
	}
	return strings.ToValidUTF8(name[:maxShown], "") + "…"
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
