//! The worker of the interop matrix. Its argument is a service id; a spawned worker has none.

use std::time::{Duration, Instant};

use multifrost::{Bytes, CallError, CallResult, ChildWorkerContext, Value, methods, run_worker};
use multifrost_interop as interop;

struct Worker;

methods! {
    impl Worker {
        async fn add(&self, a: Value, b: Value) -> CallResult<Value> {
            match (a.as_i64(), b.as_i64(), a.as_f64(), b.as_f64()) {
                (Some(a), Some(b), ..) => Ok(Value::from(a + b)),
                (_, _, Some(a), Some(b)) => Ok(Value::from(a + b)),
                _ => Err(CallError::new("add takes two numbers")),
            }
        }

        async fn busy(&self, ms: u64) -> CallResult<u64> {
            let until = Instant::now() + Duration::from_millis(ms);
            while Instant::now() < until {
                std::hint::spin_loop();
            }
            Ok(ms)
        }

        async fn checksum(&self, data: Bytes) -> CallResult<String> {
            Ok(interop::checksum(&data.0))
        }

        async fn describe(&self, x: Value) -> CallResult<String> {
            Ok(interop::describe(&x))
        }

        async fn echo(&self, x: Value) -> CallResult<Value> {
            Ok(x)
        }

        async fn exit(&self, code: i32) -> CallResult<()> {
            std::process::exit(code)
        }

        async fn fail(&self, message: String) -> CallResult<()> {
            let cause = CallError::new(format!("cause of {message}"));
            Err(CallError::new(message).with_name("Failed").with_code("LUCK").with_data("row", 7).with_cause(cause))
        }

        async fn größe(&self, text: String) -> CallResult<usize> {
            Ok(text.chars().count())
        }

        async fn nothing(&self) -> CallResult<()> {
            Ok(())
        }

        async fn pid(&self) -> CallResult<u32> {
            Ok(std::process::id())
        }

        async fn say(&self, text: String) -> CallResult<()> {
            println!("{text}");
            Ok(())
        }

        async fn sleep(&self, ms: u64) -> CallResult<u64> {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok(ms)
        }

        async fn warn(&self, text: String) -> CallResult<()> {
            eprintln!("{text}");
            Ok(())
        }
    }
}

#[tokio::main]
async fn main() {
    let mut context = ChildWorkerContext::new();
    if let Some(service_id) = std::env::args().nth(1) {
        context = context.with_service_id(service_id);
    }
    run_worker(Worker, context).await;
}
