package multifrost

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var goBlock = regexp.MustCompile("(?s)```go\n(.*?)```")

// The Go code of the README is code of these files, which are compiled, and run by the examples.
func TestGoCodeOfTheReadmeIsCompiled(t *testing.T) {
	files, err := filepath.Glob("examples/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var sources strings.Builder
	for _, file := range append(files, "example_test.go") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sources.Write(text)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := goBlock.FindAllStringSubmatch(string(readme), -1)
	if len(blocks) < 3 {
		t.Fatalf("the README has %d blocks of Go, not at least 3", len(blocks))
	}
	for _, block := range blocks {
		code := block[1]
		if !strings.Contains(sources.String(), code) && !strings.Contains(sources.String(), indented(code)) {
			t.Errorf("no example contains this block of the README:\n%s", code)
		}
	}
}

// indented is code as it stands in the body of a function.
func indented(code string) string {
	lines := strings.SplitAfter(code, "\n")
	for i, line := range lines {
		if strings.TrimSpace(line) != "" {
			lines[i] = "\t" + line
		}
	}
	return strings.Join(lines, "")
}
