//! A parent of a service: `cargo run --example math_worker math-service`, and in another terminal
//! `cargo run --example connect`.

use multifrost::{MultifrostError, ParentWorkerBuilder, call};

#[tokio::main]
async fn main() -> Result<(), MultifrostError> {
    let worker = ParentWorkerBuilder::connect("math-service", None).build().await?;
    worker.start().await?;
    let product: u64 = call!(worker, factorial(5)).await?;
    println!("factorial(5) = {product}");
    worker.stop().await;
    Ok(())
}
