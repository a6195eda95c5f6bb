package wire

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// FuzzDecode checks that any bytes decode to either a message or a fault, and that a decoded message can be encoded and
// decoded again. Run it with: go test -fuzz FuzzDecode ./internal/wire
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("../../../../interop/vectors/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no vectors to begin with: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		var vectors []struct{ Hex string }
		if err := json.Unmarshal(text, &vectors); err != nil {
			f.Fatal(err)
		}
		for _, v := range vectors {
			if data, err := hex.DecodeString(v.Hex); err == nil && len(data) < 4096 {
				f.Add(data)
			}
		}
	}
	codec := NewCodec("", Limits{})
	f.Fuzz(func(t *testing.T, data []byte) {
		m, fault := codec.Decode(data)
		if (m == nil) == (fault == nil) {
			t.Fatalf("neither or both: %v, %v", m, fault)
		}
		if m == nil {
			return
		}
		written, err := codec.Encode(m)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, fault := codec.Decode(written)
		if fault != nil {
			t.Fatalf("what was written cannot be read: %v", fault)
		}
		twice, err := codec.Encode(again)
		if err != nil || hex.EncodeToString(twice) != hex.EncodeToString(written) {
			t.Fatalf("it is not the same the second time: %v", err)
		}
	})
}
