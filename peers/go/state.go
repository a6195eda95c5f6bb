package multifrost

// State is what a parent is doing.
type State string

// The states of a parent.
const (
	StateIdle         State = "idle"         // not started
	StateStarting     State = "starting"     // Start is under way
	StateRunning      State = "running"      // calls go out
	StateRestarting   State = "restarting"   // the worker's process ended and comes back; calls wait
	StateReconnecting State = "reconnecting" // the connection broke and comes back; calls wait
	StateExited       State = "exited"       // the worker has ended for good
	StateStopping     State = "stopping"     // Stop is under way
	StateStopped      State = "stopped"
)
