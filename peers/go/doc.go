// Package multifrost lets a Go process call methods in other processes, and be called by them, in any language that speaks
// the protocol comlink_ipc_v3: MessagePack over ZeroMQ.
//
// A worker is a value with exported methods:
//
//	type Math struct{}
//
//	func (Math) Add(a, b int) int { return a + b }
//
//	func main() { multifrost.NewWorker(Math{}).Run() }
//
// A parent starts it, or connects to it where it is a service, and calls:
//
//	w := multifrost.Spawn("./math-worker")
//	if err := w.Start(ctx); err != nil { … }
//	defer w.Close()
//	sum, err := multifrost.Call[int](ctx, w, "Add", 2, 3)
package multifrost
