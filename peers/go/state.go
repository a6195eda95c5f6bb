package multifrost

// State says what a parent is doing.
type State string

// The states of a parent.
const (
	StateIdle         State = "idle"         // not started
	StateStarting     State = "starting"     // Start has not returned yet
	StateRunning      State = "running"      // calls go out
	StateStalled      State = "stalled"      // connected, but it answers no heartbeats; calls go out
	StateRestarting   State = "restarting"   // the process ended and is started again; calls wait
	StateReconnecting State = "reconnecting" // the connection was lost and is made again; calls wait
	StateExited       State = "exited"       // the worker has ended and is not restarted
	StateStopping     State = "stopping"     // Stop has not returned yet
	StateStopped      State = "stopped"
)
