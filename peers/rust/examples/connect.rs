//! A parent of a service. Run `cargo run --example math_worker math-service`, and in another terminal
//! `cargo run --example connect`.

use multifrost::{Error, ParentWorkerBuilder, call};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let worker = ParentWorkerBuilder::connect("math-service", None).build().await?;
    worker.start().await?;
    let product: u64 = call!(worker, factorial(5)).await?;
    println!("factorial(5) = {product}");
    worker.stop().await;
    Ok(())
}
