package wire

// Codes of faults in a message or a value, the same in every language.
const (
	CodeMalformed   = "MALFORMED_MESSAGE"
	CodeLimit       = "LIMIT_EXCEEDED"
	CodeForeignApp  = "FOREIGN_APP"
	CodeUnknownType = "UNKNOWN_TYPE"
	CodeMissingID   = "MISSING_ID"
	CodeUnsendable  = "UNSENDABLE_VALUE"
	CodeTooLarge    = "MESSAGE_TOO_LARGE"
	CodeOverloaded  = "OVERLOADED"
)

// Fault says why bytes are no message for this side. ID and Type are those of the message, if they precede the fault, so
// that the sender can be answered.
type Fault struct {
	Code, What, ID, Type string
}

// Error returns What.
func (f *Fault) Error() string { return f.What }

// Ignored reports whether the message is of another program or a newer version, and so not broken.
func (f *Fault) Ignored() bool { return f.Code == CodeForeignApp || f.Code == CodeUnknownType }

// ValueError says why a value cannot be sent, and where in the message it is.
type ValueError struct {
	Code, Path, What string
}

func (e *ValueError) Error() string {
	if e.Path == "" {
		return e.What
	}
	return e.Path + ": " + e.What
}
