package multifrost

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/multifrost/multifrost-go/internal/wire"
)

// refusals recognize the texts of refusals, for older implementations that send no code.
var refusals = map[string]*regexp.Regexp{
	CodeFunctionNotFound: regexp.MustCompile(`(?i)^Function (?:'[^']*' not found|not found: )`),
	CodeNotCallable:      regexp.MustCompile(`(?i)^'[^']*' is (?:not callable$|a function property, not a method)`),
	CodePrivateMethod:    regexp.MustCompile(`(?i)^Cannot call private method '`),
	CodeMissingFunction:  regexp.MustCompile(`(?i)^Message missing 'function'`),
	CodeWrongNamespace:   regexp.MustCompile(`(?i)^No namespace '`),
	CodeOverloaded:       regexp.MustCompile(`(?i)^Too many calls `),
	CodeStopping:         regexp.MustCompile(`(?i)^This worker is stopping`),
}

const pythonTraceback = "\nTraceback (most recent call last):"

var pythonHead = regexp.MustCompile(`(?s)^([A-Za-z_][\w.]*): ?(.*)$`)

// remoteError reads an error answer of any implementation: from metadata.error if present, else from Python's text form.
func remoteError(m *wire.Message, function string) *RemoteCallError {
	left := maxErrors
	e := errorParts(m.Metadata["error"], function, 0, &left)
	hasParts := e != nil
	if !hasParts {
		e = splitPython(m.Error)
		e.FunctionName, e.Code = function, CodeRemoteError
	}
	// A worker that sends parts sends the code of a refusal too. Without a code, the text comes from a method.
	for code, pattern := range refusals {
		sendsCode := hasParts && !(code == CodeStopping && isOlderStopping(e))
		if (!sendsCode || e.RemoteCode == code) && pattern.MatchString(e.RemoteMessage) {
			e.Code, e.RemoteCode = code, ""
			break
		}
	}
	return e
}

// isOlderStopping reports whether a stopping worker may have refused the call as workers did before the code STOPPING.
func isOlderStopping(e *RemoteCallError) bool {
	return e.RemoteCode == CodeNotRunning || e.RemoteCode == "" && e.RemoteName == "NotRunningError"
}

// errorParts reads an error in parts, and leaves out parts of other types. It returns nil for what has no message, and beyond
// the depth and the number of errors that are read.
func errorParts(value any, function string, depth int, left *int) *RemoteCallError {
	parts, _ := value.(map[string]any)
	message, ok := parts["message"].(string)
	if !ok || depth > maxErrorDepth || *left == 0 {
		return nil
	}
	*left--
	e := &RemoteCallError{Code: CodeRemoteError, FunctionName: function, RemoteName: "Error", RemoteMessage: message}
	if name, _ := parts["name"].(string); name != "" {
		e.RemoteName = name
	}
	switch code := parts["code"].(type) {
	case string:
		e.RemoteCode = code
	case int64, uint64:
		e.RemoteCode = fmt.Sprint(code)
	}
	e.RemoteStack, _ = parts["stack"].(string)
	e.RemoteData, _ = parts["data"].(map[string]any)
	e.Cause = errorParts(parts["cause"], function, depth+1, left)
	listed, _ := parts["errors"].([]any)
	for _, part := range listed {
		if joined := errorParts(part, function, depth+1, left); joined != nil {
			e.Errors = append(e.Errors, joined)
		}
	}
	return e
}

// splitPython reads "TypeName: message\nTraceback …". Without a traceback, the whole text is the message.
func splitPython(text string) *RemoteCallError {
	head, _, found := strings.Cut(text, pythonTraceback)
	e := &RemoteCallError{RemoteName: "Error", RemoteMessage: head}
	if !found {
		return e
	}
	e.RemoteStack = text[len(head)+1:]
	if parts := pythonHead.FindStringSubmatch(head); parts != nil {
		e.RemoteName, e.RemoteMessage = parts[1], parts[2]
	}
	return e
}
