//! The service that `interop/attack-service.mjs` attacks. Its argument is the service id.

use multifrost::{CallResult, ChildWorkerContext, StructuredLogger, Value, methods, run_worker};

struct Attacked;

methods! {
    impl Attacked {
        async fn add(&self, a: i64, b: i64) -> CallResult<i64> {
            Ok(a + b)
        }

        async fn echo(&self, value: Value) -> CallResult<Value> {
            Ok(value)
        }

        async fn size(&self, _value: Value) -> CallResult<i64> {
            Ok(1)
        }

        async fn hang(&self, _first: Option<Value>, _second: Option<Value>) -> CallResult<()> {
            std::future::pending().await
        }
    }
}

#[tokio::main]
async fn main() {
    let service_id = std::env::args().nth(1).unwrap_or_default();
    let context = ChildWorkerContext::new().with_service_id(service_id).with_logger(StructuredLogger::new());
    run_worker(Attacked, context).await;
}
