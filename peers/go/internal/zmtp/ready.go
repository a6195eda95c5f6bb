package zmtp

import (
	"encoding/binary"
	"slices"
	"strings"
)

// Ready is what a peer says about itself.
type Ready struct {
	SocketType string
	Properties map[string]string // all but Socket-Type and Identity, by their names in lower case
}

const (
	maxIdentity = 255
	maxContext  = 16
)

// checkGreeting checks as much of a greeting as has arrived. Padding and filler have no meaning.
func checkGreeting(got []byte) error {
	for at, b := range got[:min(len(got), greetingBytes)] {
		switch {
		case at == 0 && b != 0xff, at == 9 && b != 0x7f:
			return violation("does not speak ZMTP")
		case at == 10 && b < 3:
			return violation("speaks a version of ZMTP before 3.0")
		case at >= 12 && at < 32 && b != greeting[at]:
			return violation("asks for a security mechanism other than NULL")
		}
	}
	return nil
}

// readReady reads what follows the name of a READY command.
func readReady(body []byte, own SocketType) (*Ready, error) {
	all := map[string]string{}
	for len(body) > 0 {
		name, rest, ok := cutProperty(body)
		if !ok {
			return nil, violation("sent a READY command that cannot be read")
		}
		value, rest, ok := cutValue(rest)
		_, twice := all[name]
		if !ok || twice {
			return nil, violation("sent a READY command that cannot be read")
		}
		all[name], body = value, rest
	}
	ready := &Ready{SocketType: all["socket-type"], Properties: all}
	if !slices.Contains(partners[own], ready.SocketType) {
		return nil, violation("is a %.20q socket, which cannot talk to a %s socket", ready.SocketType, own)
	}
	if identity := all["identity"]; len(identity) > maxIdentity {
		return nil, violation("has an identity of %d bytes", len(identity))
	}
	delete(all, "socket-type")
	delete(all, "identity")
	return ready, nil
}

func cutProperty(body []byte) (name string, rest []byte, ok bool) {
	end := 1 + int(body[0])
	if end == 1 || end > len(body) {
		return "", nil, false
	}
	return strings.ToLower(string(body[1:end])), body[end:], true
}

func cutValue(body []byte) (value string, rest []byte, ok bool) {
	if len(body) < 4 {
		return "", nil, false
	}
	length := uint64(binary.BigEndian.Uint32(body))
	if length > uint64(len(body)-4) {
		return "", nil, false
	}
	return string(body[4 : 4+length]), body[4+length:], true
}

// cutCommand splits a command into its name and what follows it.
func cutCommand(command []byte) (name string, body []byte, ok bool) {
	if len(command) == 0 {
		return "", nil, false
	}
	end := 1 + int(command[0])
	if end == 1 || end > len(command) {
		return "", nil, false
	}
	return string(command[1:end]), command[end:], true
}

// errorReason returns the reason in the body of an ERROR command, safe to print.
func errorReason(body []byte) string {
	if len(body) == 0 {
		return ""
	}
	reason := body[1:min(len(body), 1+int(body[0]))]
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return '?'
		}
		return r
	}, string(reason))
}
