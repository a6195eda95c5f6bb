//! The bare peer in Rust, with the `zeromq` crate alone. It does the same as ../../../bare/echo-peer.mjs.

use tokio::io::AsyncReadExt;
use zeromq::{RouterSocket, Socket, SocketRecv, SocketSend, ZmqMessage};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::spawn(async {
        let _ = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
        std::process::exit(0);
    });
    let endpoint = std::env::args().nth(1).ok_or("an endpoint to connect to")?;
    let mut router = RouterSocket::new();
    router.connect(&endpoint).await?;
    let mut answer = None;
    loop {
        let frames = router.recv().await?.into_vec();
        let answer = answer.get_or_insert_with(|| frames[2].clone()).clone();
        let mut reply = ZmqMessage::from(frames[0].clone());
        reply.push_back(Vec::new().into());
        reply.push_back(answer);
        router.send(reply).await?;
    }
}
