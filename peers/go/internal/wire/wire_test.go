package wire

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"
)

func encodeValue(value any) (string, error) {
	w := writer{limits: Limits{}.WithDefaults()}
	err := w.field("v", value)
	return hex.EncodeToString(w.out), err
}

type inner struct {
	A int `json:"a"`
}

type outer struct {
	inner
	*Optional
	B       string `msgpack:"b" json:"other"`
	Skipped int    `json:"-"`
	Empty   []int  `json:"empty,omitempty"`
	hidden  int
}

type Optional struct{ C int }

// secret has no exported fields; its method has a pointer as its receiver.
type secret struct{ cents int }

func (s *secret) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, `{"cents":%d}`, s.cents), nil }

type panicking struct{}

func (panicking) MarshalText() ([]byte, error) { panic("no text") }

type failing struct{}

func (failing) MarshalJSON() ([]byte, error) { return nil, errors.New("no JSON") }

type broken struct{}

func (broken) MarshalJSON() ([]byte, error) { return []byte("{"), nil }

func TestValuesWritten(t *testing.T) {
	seven := 7
	for _, c := range []struct {
		value any
		want  string
	}{
		{nil, "c0"}, {true, "c3"}, {0, "00"}, {127, "7f"}, {128, "cc80"}, {-32, "e0"}, {-33, "d0df"}, {-129, "d1ff7f"},
		{65536, "ce00010000"}, {int64(1) << 32, "cf0000000100000000"}, {int64(math.MinInt64), "d38000000000000000"},
		{uint64(math.MaxUint64), "cfffffffffffffffff"}, {uint8(200), "ccc8"},
		{1.0, "cb3ff0000000000000"}, {float32(0.5), "cb3fe0000000000000"}, {math.NaN(), "c0"}, {math.Inf(-1), "c0"},
		{"é", "a2c3a9"}, {"a\xffb", "a561efbfbd62"},
		{[]byte{1}, "c40101"}, {[]byte(nil), "c400"}, {[2]byte{1, 2}, "c4020102"},
		{[]int{1, 2}, "920102"}, {[]int(nil), "90"}, {[1]bool{true}, "91c3"},
		{map[string]int{"b": 2, "a": 1}, "82a16101a16202"}, {map[int]bool{-1: true}, "81a22d31c3"}, {map[string]any(nil), "80"},
		{&seven, "07"}, {(*int)(nil), "c0"}, {any(nil), "c0"},
		{time.Unix(1, 0), "d6ff00000001"}, {time.Unix(-1, 0), "c70cff00000000ffffffffffffffff"}, {new(time.Time), "c70cff00000000fffffff1886e0900"},
		{big.NewInt(-5), "fb"}, {new(big.Int).SetUint64(math.MaxUint64), "cfffffffffffffffff"},
		{Ext{5, []byte{9}}, "d40509"},
		{errors.New("no"), "82a76d657373616765a26e6fa46e616d65a56572726f72"},
		{netip.MustParseAddr("::1"), "a33a3a31"},
		{time.Second, "ce3b9aca00"},
		{map[any]any{1: "a", "b": 2, 1.5: true, nil: nil, false: 0}, "85a131a161a3312e35c3a162" + "02a566616c736500a46e756c6cc0"},
		{time.Time{}, "c70cff00000000fffffff1886e0900"}, {time.Unix(1<<33, 1), "d7ff" + "0000000600000000"},
		{math.Copysign(0, -1), "cb8000000000000000"}, {1e300, "cb7e37e43c8800759c"}, {float64(1 << 53), "cb4340000000000000"},
		{json.RawMessage(`{"a": [1, 2.0, -5, 18446744073709551615, 1e2, null]}`), "81a161960" + "1cb4000000000000000fbcfffffffffffffffffcb4059000000000000c0"},
		{json.Number("7"), "07"}, {json.Number("7.5"), "cb401e000000000000"}, {json.Number("x"), "a178"},
		{secret{5}, "81a56365" + "6e747305"}, {&secret{5}, "81a563656e747305"}, {[]any{secret{5}}, "9181a563656e747305"},
		{*big.NewFloat(1.5), "a3312e35"}, {big.NewRat(1, 2), "a3312f32"}, {struct{}{}, "80"},
		{outer{}, "82a16100a162a0"}, {error(nil), "c0"}, {(*secret)(nil), "c0"},
		{outer{inner: inner{1}, B: "x", hidden: 1}, "82a16101a162a178"},
		{outer{Optional: &Optional{3}}, "83a14303a16100a162a0"},
	} {
		if got, err := encodeValue(c.value); got != c.want || err != nil {
			t.Errorf("%T %v is written %s, %v, not %s", c.value, c.value, got, err, c.want)
		}
	}
}

func TestValuesRefused(t *testing.T) {
	type node struct{ Next *node }
	loop := &node{}
	loop.Next = loop
	list := make([]any, 1)
	list[0] = list
	deep := any(1)
	for range 101 {
		deep = []any{deep}
	}
	for _, c := range []struct {
		value            any
		code, path, what string
	}{
		{func() {}, CodeUnsendable, "v", "function cannot be sent; send what it returns"},
		{map[string]any{"a": []any{1, make(chan int)}}, CodeUnsendable, "v.a[1]", "channel cannot be sent; send a slice"},
		{complex(1, 2), CodeUnsendable, "v", "complex128 cannot be sent; send its real"},
		{map[any]any{1: "int", "1": "text"}, CodeUnsendable, "v", `two keys that are the text "1"`},
		{map[any]any{nil: 1, "null": 2}, CodeUnsendable, "v", `the text "null"`},
		{map[any]any{int8(1): 1, uint(1): 2}, CodeUnsendable, "v", `the text "1"`},
		{map[float64]int{math.NaN(): 1, math.Inf(1): 2, math.Float64frombits(0x7ff8000000000002): 3}, CodeUnsendable, "v", `the text "NaN"`},
		{map[string]int{"a\xff": 1, "a\xfe": 2}, CodeUnsendable, "v", "the text"},
		{map[any]any{inner{1}: 1}, CodeUnsendable, "v", "keys of type wire.inner"},
		{map[*int]int{nil: 1}, CodeUnsendable, "v", "keys of type *int"},
		{struct{ mu sync.Mutex }{}, CodeUnsendable, "v", "has no exported fields"},
		{map[string]any{"b": new(strings.Builder)}, CodeUnsendable, "v.b", "strings.Builder has no exported fields and cannot be sent; send"},
		{struct {
			A int `json:"-"`
		}{}, CodeUnsendable, "v", "has no exported fields"},
		{panicking{}, CodeUnsendable, "v", "wire.panicking cannot be sent: panic: no text"},
		{failing{}, CodeUnsendable, "v", "no JSON"}, {broken{}, CodeUnsendable, "v", "returns no JSON"},
		{map[panicking]int{{}: 1}, CodeUnsendable, "v", "keys of type wire.panicking"},
		{unsafe.Pointer(new(int)), CodeUnsendable, "v", "unsafe.Pointer"},
		{map[inner]int{{1}: 1}, CodeUnsendable, "v", "keys of type"},
		{new(big.Int).Lsh(big.NewInt(1), 64), CodeUnsendable, "v", "64 bits"},
		{loop, CodeUnsendable, "v.Next", "contains itself"},
		{list, CodeUnsendable, "v[0]", "contains itself"},
		{deep, CodeLimit, "v" + strings.Repeat("[0]", 100), "Depth"},
		{make([]bool, 1_000_001), CodeLimit, "v", "ArrayLength"},
	} {
		_, err := encodeValue(c.value)
		var refused *ValueError
		if !errors.As(err, &refused) || refused.Code != c.code || refused.Path != c.path || !strings.Contains(refused.What, c.what) {
			t.Errorf("%T: %.300v", c.value, err)
		}
	}
	same := []any{1}
	if _, err := encodeValue([]any{same, same}); err != nil {
		t.Errorf("the same value twice is no cycle: %v", err)
	}
}

func TestLimitsHoldBothWays(t *testing.T) {
	limits := Limits{MessageBytes: 400, StringBytes: 60, BinaryBytes: 8, ArrayLength: 3, MapLength: 2, Values: 12, Depth: 3}
	small, large := NewCodec("", limits), NewCodec("", Limits{})
	for name, c := range map[string]struct {
		fits, exceeds any
		field         string
	}{
		"string": {strings.Repeat("x", 60), strings.Repeat("x", 61), "StringBytes"},
		"binary": {make([]byte, 8), make([]byte, 9), "BinaryBytes"},
		"array":  {[]int{1, 2, 3}, []int{1, 2, 3, 4}, "ArrayLength"},
		"map":    {map[string]int{"a": 1, "b": 2}, map[string]int{"a": 1, "b": 2, "c": 3}, "MapLength"},
		"depth":  {[]any{[]any{[]any{}}}, []any{[]any{[]any{[]any{}}}}, "Depth"},
	} {
		m := Answer(Response, NewID())
		m.HasResult, m.Result = true, c.fits
		data, err := small.Encode(m)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, fault := small.Decode(data); fault != nil {
			t.Errorf("%s: what was written cannot be read: %v", name, fault)
		}
		m.Result = c.exceeds
		var refused *ValueError
		if _, err := small.Encode(m); !errors.As(err, &refused) || refused.Code != CodeLimit || !strings.Contains(refused.What, c.field) {
			t.Errorf("%s: %v", name, err)
		}
		data, err = large.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		_, fault := small.Decode(data)
		if fault == nil || fault.Code != CodeLimit || !strings.Contains(fault.What, c.field) || fault.ID != m.ID || fault.Type != Response {
			t.Errorf("%s: %+v", name, fault)
		}
	}
	m := Answer(Stdout, NewID())
	m.Metadata = map[string]any{"a": []string{strings.Repeat("x", 60), strings.Repeat("x", 60), strings.Repeat("x", 60)}, "b": strings.Repeat("x", 60)}
	m.Output = strings.Repeat("x", 60)
	var refused *ValueError
	if _, err := small.Encode(m); !errors.As(err, &refused) || refused.Code != CodeTooLarge {
		t.Errorf("message: %v", err)
	}
}

// These few bytes announce gigabytes.
func TestHostileLengthsCostNoMemory(t *testing.T) {
	codec := NewCodec("", Limits{})
	for _, bytes := range []string{
		"ddffffffff", "dfffffffff", "dbffffffff", "c6ffffffff", "c9ffffffff01", "81a161ddffffffff", strings.Repeat("91", 200),
		"dc000f4240", "df000f4240", strings.Repeat("dd000f4240", 50),
	} {
		data, err := hex.DecodeString(bytes)
		if err != nil {
			t.Fatal(err)
		}
		allocated := testing.AllocsPerRun(1, func() {
			if _, fault := codec.Decode(data); fault == nil {
				t.Errorf("%.20s is a message", bytes)
			}
		})
		if allocated > 40 {
			t.Errorf("%.20s took %v allocations", bytes, allocated)
		}
	}
}

func TestRoundTrips(t *testing.T) {
	codec := NewCodec("", Limits{})
	for _, m := range []*Message{
		{Type: Call, ID: "1", Timestamp: 1.5, Function: "f", Args: []any{}, Namespace: "n", ClientName: "c", Metadata: map[string]any{"k": nil}},
		{Type: Response, ID: "1", HasResult: true, Result: map[string]any{"a": []any{int64(1), uint64(1 << 63), "x", []byte{}, nil}}},
		{Type: Response, ID: "1"},
		{Type: Error, ID: "1", Error: "e"},
		{Type: Stdout, Output: ""},
		{Type: Heartbeat, ID: "1", Args: []any{}},
		{Type: Shutdown},
		{Type: Ready, ID: "1"},
	} {
		data, err := codec.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		if got, fault := codec.Decode(data); fault != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%+v came back as %+v, %v", m, got, fault)
		}
	}
}

func TestForeignMessagesAreIgnored(t *testing.T) {
	data, err := NewCodec("another", Limits{}).Encode(New(Shutdown))
	if err != nil {
		t.Fatal(err)
	}
	if _, fault := NewCodec("", Limits{}).Decode(data); fault == nil || !fault.Ignored() {
		t.Error(fault)
	}
	if _, fault := NewCodec("another", Limits{}).Decode(data); fault != nil {
		t.Error(fault)
	}
}

func TestIDsAreUniqueUUIDs(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := NewID()
		if len(id) != 36 || id[14] != '4' || !strings.ContainsRune("89ab", rune(id[19])) || seen[id] {
			t.Fatal(id)
		}
		seen[id] = true
	}
}

func TestErrorNames(t *testing.T) {
	for name, err := range map[string]error{
		"error":      errors.New("x"),
		"ValueError": &ValueError{},
		"Fault":      &Fault{},
	} {
		if got := ErrorName(err); got != name {
			t.Errorf("%T is named %s", err, got)
		}
	}
	if got := ErrorName(fmt.Errorf("x: %w", errors.New("y"))); got != "error" {
		t.Error(got)
	}
}
