package multifrost

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/multifrost/multifrost-go/internal/link"
	"github.com/multifrost/multifrost-go/internal/wire"
)

// parentAddress is what a parent sets in the environment of a worker that it starts.
type parentAddress struct {
	port     string
	endpoint string // of the private socket; empty if the parent has none
	token    string // proves that this is the process that the parent started
}

// spawnVariables has what was in the environment of this process, until a worker claims it.
var spawnVariables struct {
	mu      sync.Mutex
	parent  *parentAddress
	claimed bool
}

// takeSpawnVariables reads the variables and removes them from the environment.
func takeSpawnVariables() {
	spawnVariables.mu.Lock()
	defer spawnVariables.mu.Unlock()
	if port, set := os.LookupEnv(wire.PortVariable); set {
		spawnVariables.parent = &parentAddress{port, os.Getenv(wire.EndpointVariable), os.Getenv(wire.TokenVariable)}
		spawnVariables.claimed = false
	}
	for _, name := range wire.SpawnVariables {
		os.Unsetenv(name)
	}
}

// claimParent returns the parent that started this process, to the first worker that asks, and nil to others. The error is a
// *ConfigError.
func claimParent() (*parentAddress, error) {
	takeSpawnVariables()
	spawnVariables.mu.Lock()
	defer spawnVariables.mu.Unlock()
	parent := spawnVariables.parent
	if parent == nil {
		return nil, nil
	}
	spawnVariables.parent, spawnVariables.claimed = nil, true
	return parent, parent.check()
}

func noStartMode() error {
	spawnVariables.mu.Lock()
	defer spawnVariables.mu.Unlock()
	message := fmt.Sprintf("the worker has neither %s in its environment nor a service id; start it from a parent with Spawn, or make it "+
		"a service: NewWorker(target, WithServiceID(\"my-service\"))", wire.PortVariable)
	if spawnVariables.claimed {
		message = "another worker of this process serves the parent that started it, and a process has one such worker; put the methods " +
			"into one type, or make this one a service: NewWorker(target, WithServiceID(\"my-service\"))"
	}
	return &ConfigError{Code: CodeNoStartMode, Message: message}
}

var portPattern = regexp.MustCompile(`^\d{4,5}$`)

func (p *parentAddress) check() error {
	p.port = strings.TrimSpace(p.port)
	port := 0
	if portPattern.MatchString(p.port) {
		port, _ = strconv.Atoi(p.port)
	}
	if port < 1024 || port > 65535 {
		return &ConfigError{Code: CodeInvalidPort, Message: fmt.Sprintf("%s is %q, which is no port: it must be a whole number from 1024 "+
			"to 65535; the parent sets it when it spawns a worker: unset it to run this one as a service", wire.PortVariable, p.port)}
	}
	return nil
}

// isPrivate reports whether the parent accepts one connection, and no other after it.
func (p *parentAddress) isPrivate() bool { return p.token != "" }

// dial connects to the private socket, or else to the port.
func (p *parentAddress) dial(ctx context.Context, config link.Config) (*link.Link, error) {
	config.Token = p.token
	var failed error
	if path, found := strings.CutPrefix(p.endpoint, "ipc://"); found {
		l, err := link.Dial(ctx, "unix", path, config)
		if err == nil {
			return l, nil
		}
		failed = err
	}
	l, err := link.Dial(ctx, "tcp", net.JoinHostPort(loopback, p.port), config)
	if err != nil {
		return nil, errors.Join(failed, err)
	}
	return l, nil
}
