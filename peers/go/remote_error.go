package multifrost

import (
	"regexp"
	"strings"

	"github.com/multifrost/multifrost-go/internal/wire"
)

// refusals recognize the texts of refusals, for older implementations that send no code.
var refusals = map[string]*regexp.Regexp{
	CodeFunctionNotFound: regexp.MustCompile(`(?i)^Function '[^']*' not found`),
	CodeNotCallable:      regexp.MustCompile(`(?i)^'[^']*' is (?:not callable$|a function property, not a method)`),
	CodePrivateMethod:    regexp.MustCompile(`(?i)^Cannot call private method '`),
	CodeMissingFunction:  regexp.MustCompile(`(?i)^Message missing 'function'`),
	CodeWrongNamespace:   regexp.MustCompile(`(?i)^No namespace '`),
	CodeOverloaded:       regexp.MustCompile(`(?i)^Too many calls `),
}

const pythonTraceback = "\nTraceback (most recent call last):"

var pythonHead = regexp.MustCompile(`(?s)^([A-Za-z_][\w.]*): ?(.*)$`)

// remoteError reads an error answer of any implementation: from metadata.error if present, else from Python's text form.
func remoteError(m *wire.Message, function string) *RemoteCallError {
	e, hasParts := errorParts(m.Metadata["error"])
	if !hasParts {
		e = splitPython(m.Error)
	}
	e.FunctionName = function
	e.Code = CodeRemoteError
	// A worker that sends parts sends the code of a refusal too. Without a code, the text comes from a method.
	for code, pattern := range refusals {
		if (!hasParts || e.RemoteCode == code) && pattern.MatchString(e.RemoteMessage) {
			e.Code, e.RemoteCode = code, ""
			break
		}
	}
	return e
}

func errorParts(value any) (*RemoteCallError, bool) {
	parts, _ := value.(map[string]any)
	message, ok := parts["message"].(string)
	if !ok {
		return nil, false
	}
	e := &RemoteCallError{RemoteName: "Error", RemoteMessage: message}
	if name, _ := parts["name"].(string); name != "" {
		e.RemoteName = name
	}
	e.RemoteCode, _ = parts["code"].(string)
	e.RemoteStack, _ = parts["stack"].(string)
	return e, true
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
