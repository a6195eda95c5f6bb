//! The bare peer in Rust, with tokio alone: answers every call with as many bytes as an answer has. ../../tcp-echo.mjs is the other
//! end.

use std::env::args;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::spawn(async {
        let _ = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
        std::process::exit(0);
    });
    let mut numbers = args().skip(1).map(|number| number.parse::<usize>());
    let mut next = || {
        numbers
            .next()
            .ok_or("the arguments are a port, the bytes of a call and those of an answer")
    };
    let (port, call, answer) = (next()??, next()??, next()??);
    let mut stream = TcpStream::connect(("127.0.0.1", u16::try_from(port)?)).await?;
    stream.set_nodelay(true)?;
    let (mut call, answer) = (vec![0; call], vec![0; answer]);
    loop {
        stream.read_exact(&mut call).await?;
        stream.write_all(&answer).await?;
    }
}
