// Package multifrost calls methods in other processes, and answers their calls, in any language that speaks the protocol
// comlink_ipc_v3: MessagePack over ZeroMQ.
//
// A worker answers calls with the exported methods of a value:
//
//	type Math struct{}
//
//	func (*Math) Add(a, b int) int { return a + b }
//
//	func main() { multifrost.NewWorker(&Math{}).Run() }
//
// A parent starts the worker with [Spawn], or finds a service with [Connect], and calls its methods:
//
//	math := multifrost.Spawn("./math-worker")
//	if err := math.Start(ctx); err != nil {
//		return err
//	}
//	defer math.Close()
//	sum, err := multifrost.Call[int](ctx, math, "Add", 2, 3)
package multifrost
