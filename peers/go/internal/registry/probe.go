package registry

import (
	"fmt"
	"net"
	"time"

	"github.com/multifrost/multifrost-go/internal/wire"
	"github.com/multifrost/multifrost-go/internal/zmtp"
)

const (
	// answerTimeout is how long a service has to answer a heartbeat.
	answerTimeout = 2 * time.Second
	// maxMessages is how many messages may come before the answer.
	maxMessages = 100
	// maxMessageBytes is the size of the largest of them.
	maxMessageBytes = 1 << 20
)

// answersHeartbeat reports whether a service answers a heartbeat on this port of 127.0.0.1 within 2 s.
func answersHeartbeat(port int) bool {
	deadline := time.Now().Add(answerTimeout)
	connection, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), answerTimeout)
	if err != nil {
		return false
	}
	defer connection.Close()
	_ = connection.SetDeadline(deadline) // fails only once it is closed
	if _, err := connection.Write(zmtp.Hello(zmtp.Dealer)); err != nil {
		return false
	}
	reader := zmtp.NewReader(connection, zmtp.Limits{MessageBytes: maxMessageBytes})
	ready, err := reader.Handshake(zmtp.Dealer)
	if err != nil || ready.SocketType != string(zmtp.Router) {
		return false
	}
	// A service with another app id does not answer.
	ids := map[string]bool{}
	asked := map[string]*wire.Codec{} // by the payload
	for _, app := range []string{"comlink_ipc_v3", "comlink_ipc_v4"} {
		beat := wire.New(wire.Heartbeat)
		beat.Metadata = map[string]any{"hb_timestamp": wire.Now()}
		codec := wire.NewCodec(app, wire.Limits{}.WithDefaults())
		payload, err := codec.Encode(beat)
		if err != nil {
			return false
		}
		if _, err := connection.Write(append(zmtp.AppendHead(nil, len(payload)), payload...)); err != nil {
			return false
		}
		asked[string(payload)] = codec
		ids[beat.ID] = true
	}
	for range maxMessages {
		arrival, err := reader.Next()
		if err != nil {
			return false
		}
		if asked[string(arrival.Payload)] != nil {
			return false // it is sent back as it was
		}
		for _, codec := range asked {
			message, fault := codec.Decode(arrival.Payload)
			if fault == nil && message != nil && message.Type == wire.Heartbeat && ids[message.ID] {
				return true
			}
		}
	}
	return false
}
