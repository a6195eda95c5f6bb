// Package wire encodes and decodes messages of the protocol comlink_ipc_v3.
package wire

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Names that both sides use.
const (
	AppID            = "comlink_ipc_v3"
	DefaultNamespace = "default"
	PortVariable     = "COMLINK_ZMQ_PORT"
	ModeVariable     = "COMLINK_WORKER_MODE"
	EndpointVariable = "MULTIFROST_ENDPOINT"
	TokenVariable    = "MULTIFROST_TOKEN"
)

// SpawnVariables are what a parent sets in the environment of a worker that it starts.
var SpawnVariables = []string{PortVariable, ModeVariable, EndpointVariable, TokenVariable}

// WithoutSpawnVariables removes what a parent sets from an environment.
func WithoutSpawnVariables(environment []string) []string {
	return slices.DeleteFunc(environment, func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.Contains(SpawnVariables, name)
	})
}

// Types of messages.
const (
	Call      = "call"
	Response  = "response"
	Error     = "error"
	Stdout    = "stdout"
	Stderr    = "stderr"
	Heartbeat = "heartbeat"
	Shutdown  = "shutdown"
	Ready     = "ready"
)

// Message is a message of any type. Type says which of the fields it has.
type Message struct {
	Type       string
	ID         string
	Timestamp  float64 // seconds since 1970
	Function   string
	Args       []any // of a call, or of a heartbeat, where nil means absent
	Namespace  string
	ClientName string
	Result     any
	HasResult  bool // whether the message has a result: absent and nil differ
	Error      string
	Output     string
	Metadata   map[string]any // nil if absent
}

// Codec reads and writes the messages of one app.
type Codec struct {
	App    string
	Limits Limits
}

// NewCodec returns a codec. An empty app means AppID.
func NewCodec(app string, limits Limits) *Codec {
	if app == "" {
		app = AppID
	}
	return &Codec{App: app, Limits: limits.WithDefaults()}
}

// New returns a message with a new id.
func New(typ string) *Message { return Answer(typ, NewID()) }

// Answer returns a message with the id of the message that it answers.
func Answer(typ, id string) *Message {
	return &Message{Type: typ, ID: id, Timestamp: Now()}
}

// Now returns the time in seconds since 1970, as messages carry it.
func Now() float64 { return float64(time.Now().UnixMicro()) / 1e6 }

// NewID returns a random UUID, version 4.
func NewID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
