//! A worker for the tests: whatever may go wrong in one.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use multifrost::{
    Bytes, CallError, CallResult, ChildWorkerContext, MultifrostError, Timestamp, Type, Value, WireType, methods,
    run_worker,
};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Point {
    x: f64,
    y: f64,
    label: Option<String>,
}

impl WireType for Point {
    fn wire_type() -> Type {
        let fields = vec![("x", f64::wire_type()), ("y", f64::wire_type()), ("label", Option::<String>::wire_type())];
        Type::Record("Point", fields)
    }
}

/// Not described by type.
#[derive(Serialize, Deserialize)]
struct Opaque(i64);

struct EdgeWorker;

methods! {
    impl EdgeWorker {
        /// The sum
        /// of both.
        ///
        /// More about it.
        async fn add(&self, a: i64, b: i64) -> CallResult<i64> {
            Ok(a + b)
        }

        async fn echo(&self, x: Value) -> CallResult<Value> {
            Ok(x)
        }

        async fn mirror(&self, point: Point) -> CallResult<Point> {
            Ok(Point { x: -point.x, ..point })
        }

        async fn kinds(
            &self,
            _a: Vec<u8>,
            _b: Bytes,
            _c: HashMap<String, bool>,
            _d: (f32, String),
            _e: Timestamp,
            _f: Opaque,
        ) -> CallResult<()> {
            Ok(())
        }

        async fn greet(&self, name: String, title: Option<String>) -> CallResult<String> {
            Ok(format!("Hello, {}{name}!", title.map(|title| title + " ").unwrap_or_default()))
        }

        async fn parse(&self, text: String) -> Result<i64, std::num::ParseIntError> {
            text.parse()
        }

        async fn fail_with_code(&self) -> CallResult<()> {
            Err(CallError::new("too young").with_name("ValidationError").with_code("AGE"))
        }

        async fn fail_by_crate(&self) -> multifrost::Result<()> {
            Err(MultifrostError::Overload { limit: 3 })
        }

        async fn panic(&self, text: String) -> CallResult<()> {
            panic!("{text}")
        }

        async fn busy(&self, ms: u64) -> CallResult<u64> {
            let until = Instant::now() + Duration::from_millis(ms);
            while Instant::now() < until {
                std::hint::spin_loop();
            }
            Ok(ms)
        }

        /// Tells this process to end, and then answers.
        async fn answer_at_the_end(&self, length: usize) -> CallResult<Bytes> {
            let pid = std::process::id().to_string();
            let sent = std::process::Command::new("kill").args(["-s", "TERM", &pid]).status()?;
            assert!(sent.success(), "it could not be signalled");
            Ok(Bytes(vec![7; length]))
        }

        async fn sleep(&self, ms: u64) -> CallResult<u64> {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok(ms)
        }

        async fn say(&self, text: String) -> CallResult<()> {
            println!("{text}");
            Ok(())
        }

        async fn say_raw(&self, text: String) -> CallResult<()> {
            std::process::Command::new("sh").args(["-c", "printf '%s\\n' \"$0\" >&2", &text]).status()?;
            Ok(())
        }

        async fn say_much(&self, lines: u64) -> CallResult<()> {
            let line = "x".repeat(1000);
            for _ in 0..lines {
                println!("{line}");
            }
            Ok(())
        }

        async fn pid(&self) -> CallResult<u32> {
            Ok(std::process::id())
        }

        async fn exit(&self, code: i32) -> CallResult<()> {
            eprintln!("these are the last words");
            std::process::exit(code)
        }

        async fn huge(&self) -> CallResult<Vec<u8>> {
            Ok(vec![0; 1_000_001])
        }

        async fn _secret(&self) -> CallResult<()> {
            Ok(())
        }
    }
}

fn number(variable: &str) -> Option<usize> {
    std::env::var(variable).ok()?.parse().ok()
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut context = ChildWorkerContext::new();
    if let Ok(service_id) = std::env::var("EDGE_SERVICE") {
        context = context.with_service_id(service_id);
    }
    if let Ok(namespace) = std::env::var("EDGE_NAMESPACE") {
        context = context.with_namespace(namespace);
    }
    if std::env::var_os("EDGE_IGNORE").is_some() {
        context = context.ignoring_other_namespaces();
    }
    context = context.with_max_concurrency(number("EDGE_CONCURRENCY").unwrap_or(usize::MAX));
    context = context.with_max_pending(number("EDGE_PENDING").unwrap_or(usize::MAX));
    run_worker(EdgeWorker, context).await;
}
