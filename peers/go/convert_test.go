package multifrost

import (
	"math"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

type base struct {
	ID int `msgpack:"id"`
}

type Base struct{ Kind int }

type derived struct {
	base
	*Base
	Name string
}

type unmakeable struct{ *base }

// into assigns a value to a new T.
func into[T any](value any) (any, error) {
	var target T
	err := assign(reflect.ValueOf(&target).Elem(), value, "v")
	return target, err
}

func TestValuesBecomeGoTypes(t *testing.T) {
	for _, c := range []struct {
		assign func(any) (any, error)
		value  any
		want   any
	}{
		{into[int8], int64(-128), int8(-128)},
		{into[uint64], uint64(math.MaxUint64), uint64(math.MaxUint64)},
		{into[uint8], 255.0, uint8(255)},
		{into[float32], int64(3), float32(3)},
		{into[float64], uint64(1 << 63), float64(1 << 63)},
		{into[string], "x", "x"},
		{into[time.Duration], int64(5), time.Duration(5)},
		{into[[]int], []any{int64(1)}, []int{1}},
		{into[[2]string], []any{"a", "b"}, [2]string{"a", "b"}},
		{into[[2]byte], []byte{1, 2}, [2]byte{1, 2}},
		{into[[]uint8], []any{int64(1)}, []uint8{1}},
		{into[[]string], nil, []string(nil)},
		{into[map[int]bool], map[string]any{"-1": true}, map[int]bool{-1: true}},
		{into[map[uint8]bool], map[string]any{"1": true}, map[uint8]bool{1: true}},
		{into[any], int64(1), int64(1)},
		{into[any], nil, nil},
		{into[netip.Addr], "::1", netip.MustParseAddr("::1")},
		{into[map[netip.Addr]int], map[string]any{"::1": int64(1)}, map[netip.Addr]int{netip.MustParseAddr("::1"): 1}},
		{into[big.Int], int64(5), *big.NewInt(5)},
		{into[derived], map[string]any{"id": int64(1), "Kind": int64(2), "name": "n"}, derived{base{1}, &Base{2}, "n"}},
		{into[struct{ A *int }], map[string]any{"A": nil}, struct{ A *int }{}},
	} {
		if got, err := c.assign(c.value); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%#v became %#v, %v, not %#v", c.value, got, err, c.want)
		}
	}
}

func TestValuesThatDoNotFitAreRefused(t *testing.T) {
	for _, c := range []struct {
		assign func(any) (any, error)
		value  any
		want   string
	}{
		{into[int8], int64(128), "v: 128 does not fit in int8"},
		{into[uint], int64(-1), "v: -1 does not fit in uint"},
		{into[int64], uint64(1 << 63), "does not fit in int64"},
		{into[int], 1.5, "v: wants int, not float"},
		{into[int], 1e300, "not float"},
		{into[float32], 1e300, "does not fit in float32"},
		{into[int], true, "v: wants int, not bool"},
		{into[string], []byte("x"), "v: wants string, not bytes"},
		{into[bool], nil, "v: wants bool, not nil"},
		{into[time.Time], "2026-01-01", "v: wants time.Time, not str"},
		{into[time.Time], map[string]any{}, "wants time.Time, not map"},
		{into[[]int], []any{int64(1), "x"}, "v[1]: wants int, not str"},
		{into[[2]int], []any{int64(1)}, "v: wants 2 items, not 1"},
		{into[map[string]int], map[string]any{"a": "x"}, "v.a: wants int, not str"},
		{into[map[int]int], map[string]any{"a": int64(1)}, `v: the key "a" is no int`},
		{into[derived], map[string]any{"id": "x"}, "v.id: wants int, not str"},
		{into[derived], []any{}, "not list"},
		{into[unmakeable], map[string]any{"id": int64(1)}, "embeds a pointer"},
		{into[netip.Addr], "nonsense", "v: "},
		{into[error], "x", "not str"},
		{into[func()], "x", "not str"},
		{into[int], Ext{}, "not extension"},
		{into[int], time.Time{}, "not time"},
	} {
		if _, err := c.assign(c.value); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%#v gave %v, not %s", c.value, err, c.want)
		}
	}
}

func TestLowerCamelNames(t *testing.T) {
	for name, want := range map[string]string{
		"Add": "add", "PID": "pid", "HTTPGet": "httpGet", "GetURL": "getURL", "Größe": "größe", "X": "x", "Ünder": "ünder",
	} {
		if got := lowerCamelName(name); got != want {
			t.Errorf("%s became %s, not %s", name, got, want)
		}
	}
}

func TestNearestNames(t *testing.T) {
	names := []string{"Add", "ListItems", "x"}
	for name, want := range map[string]string{
		"ad": "Add", "list_items": "ListItems", "listItem": "ListItems", "multiply": "", "y": "", strings.Repeat("a", 100): "",
	} {
		if got, found := nearestName(name, names); got != want || found != (want != "") {
			t.Errorf("%s is nearest to %q, not %q", name, got, want)
		}
	}
}

func TestLinesAreSplit(t *testing.T) {
	long := strings.Repeat("ü", maxLine/2+10)
	var got lines
	splitLines(strings.NewReader("a\n\r\nb\r\n"+long+"\nrest"), got.add)
	if got.count() != 6 || !got.has("a") || !got.has("") || !got.has("b") || !got.has("rest") {
		t.Errorf("%d lines", got.count())
	}
	if strings.Join(got.all[3:5], "") != long {
		t.Error("the long line is not whole")
	}
}
