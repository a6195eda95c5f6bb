package wire

// Limits bound a message and its parts. They hold when writing, where nothing is sent, and when reading, where they are
// checked before memory is allocated. A field that is 0 means its default.
type Limits struct {
	MessageBytes int // a whole message; default 64 MiB
	StringBytes  int // one text, in bytes of UTF-8; default 64 MiB
	BinaryBytes  int // one binary or extension value; default 64 MiB
	ArrayLength  int // items of one array; default 1,000,000
	MapLength    int // keys of one map; default 1,000,000
	Values       int // values of a message, map keys included; default 4,000,000
	Depth        int // arrays and maps within one argument or result; default 100
}

const (
	mib = 1 << 20
	// envelopeValues is how many values the fields of a message add to those of the user.
	envelopeValues = 32
	// maxIDBytes is the longest message id that is accepted.
	maxIDBytes = 256
	// timestampBytes is the longest timestamp extension. The limit of binary values does not hold for timestamps.
	timestampBytes = 12
)

// WithDefaults returns the limits with defaults for the fields that are not positive.
func (l Limits) WithDefaults() Limits {
	for _, field := range []struct {
		value    *int
		fallback int
	}{
		{&l.MessageBytes, 64 * mib},
		{&l.StringBytes, 64 * mib},
		{&l.BinaryBytes, 64 * mib},
		{&l.ArrayLength, 1_000_000},
		{&l.MapLength, 1_000_000},
		{&l.Values, 4_000_000},
		{&l.Depth, 100},
	} {
		if *field.value <= 0 {
			*field.value = field.fallback
		}
	}
	return l
}
