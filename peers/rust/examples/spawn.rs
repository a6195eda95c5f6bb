//! A parent that spawns its worker: `cargo build --examples && cargo run --example spawn`.

use std::time::Duration;

use multifrost::{Error, ParentWorkerBuilder, call};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let here = std::env::current_exe().expect("a running program has a path");
    let worker = ParentWorkerBuilder::spawn(here.with_file_name("math_worker"))
        .default_timeout(Duration::from_secs(30))
        .stdout_handler(|line| println!("the worker says: {line}"))
        .build()
        .await?;
    worker.start().await?;

    let sum: i64 = call!(worker, add(10, 20)).await?;
    println!("add(10, 20) = {sum}");

    let failed: Result<f64, _> = call!(worker, divide(1, 0)).await;
    match failed {
        Err(Error::Remote(error)) => println!("divide(1, 0) failed: {}: {}", error.name, error.message),
        other => println!("divide(1, 0) returned {other:?}"),
    }

    println!("functions: {}", worker.list_functions().await?.join(", "));
    let requests = worker.metrics().snapshot().request_metrics;
    println!("{} calls", requests.total);
    worker.stop().await;
    Ok(())
}
