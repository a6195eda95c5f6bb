//! A worker, which `cargo run --example spawn` spawns, or a service: `cargo run --example math_worker math-service`.

use multifrost::{CallError, CallResult, ChildWorkerContext, methods, run_worker};

struct MathWorker;

methods! {
    impl MathWorker {
        /// The sum of both.
        async fn add(&self, a: i64, b: i64) -> CallResult<i64> {
            a.checked_add(b).ok_or_else(|| CallError::new("the sum is too large"))
        }

        /// `a` divided by `b`.
        async fn divide(&self, a: f64, b: f64) -> CallResult<f64> {
            if b == 0.0 {
                return Err(CallError::new("division by zero").with_name("ArithmeticError"));
            }
            Ok(a / b)
        }

        /// The product of all whole numbers up to `n`, at most 20.
        async fn factorial(&self, n: u64) -> CallResult<u64> {
            if n > 20 {
                return Err(CallError::new("the factorial of more than 20 does not fit"));
            }
            Ok((1..=n).product())
        }
    }
}

#[tokio::main]
async fn main() {
    let mut context = ChildWorkerContext::new();
    if let Some(service_id) = std::env::args().nth(1) {
        context = context.with_service_id(service_id);
    }
    run_worker(MathWorker, context).await;
}
