// Package describe writes a received value as text.
package describe

import (
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Value describes a value in the form of ../../../README.md.
func Value(x any) string {
	switch x := x.(type) {
	case nil:
		return "nil"
	case bool:
		return fmt.Sprint(x)
	case int64, uint64:
		return fmt.Sprintf("int %d", x)
	case float64:
		return fmt.Sprintf("float %016x", math.Float64bits(x))
	case string:
		return "str " + hex.EncodeToString([]byte(x))
	case []byte:
		return "bytes " + hex.EncodeToString(x)
	case time.Time:
		return fmt.Sprintf("time %d.%09d", x.Unix(), x.Nanosecond())
	case []any:
		return list(x)
	case map[string]any:
		return mapping(x)
	default:
		return fmt.Sprintf("unknown %T", x)
	}
}

func list(items []any) string {
	parts := make([]string, len(items))
	for i, item := range items {
		parts[i] = Value(item)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func mapping(items map[string]any) string {
	keys := make([]string, 0, len(items))
	for key := range items {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	parts := make([]string, len(keys))
	for i, key := range keys {
		parts[i] = hex.EncodeToString([]byte(key)) + ": " + Value(items[key])
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
