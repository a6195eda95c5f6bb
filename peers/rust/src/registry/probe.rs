//! Asks a service by one heartbeat whether it is there. The registry blocks, unlike the connections of parents and workers,
//! so this is the little of ZMTP 3.0 that one message takes.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long a service has to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// More than this before the answer is no service's.
const MAX_BYTES: usize = 1 << 20;

/// A service with another app id does not answer.
const APPS: [&str; 2] = ["comlink_ipc_v3", "comlink_ipc_v4"];

const GREETING_BYTES: usize = 64;
const READY: &[u8] = b"\x05READY\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\0";

/// The bits of a frame's first byte.
const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

#[derive(Serialize)]
struct Heartbeat<'a> {
    app: &'a str,
    id: &'a str,
    r#type: &'a str,
    timestamp: f64,
    metadata: Metadata,
}

#[derive(Serialize)]
struct Metadata {
    hb_timestamp: f64,
}

#[derive(Deserialize)]
struct Answer {
    id: String,
    r#type: String,
}

/// Whether a service answers a heartbeat on this port of 127.0.0.1 within 2 s.
pub(super) fn answers_heartbeat(port: u16) -> bool {
    ask(port).unwrap_or(false)
}

fn ask(port: u16) -> std::io::Result<bool> {
    let until = Instant::now() + ANSWER_TIMEOUT;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut connection = TcpStream::connect_timeout(&address, ANSWER_TIMEOUT)?;
    connection.set_write_timeout(Some(ANSWER_TIMEOUT))?;
    connection.write_all(&hello())?;
    let ids = APPS.map(|_| Uuid::new_v4().to_string());
    let payloads = [heartbeat(APPS[0], &ids[0]), heartbeat(APPS[1], &ids[1])];
    let mut received = Vec::new();
    let mut at = 0;
    let mut chunk = [0; 4096];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || received.len() > MAX_BYTES {
            return Ok(false);
        }
        connection.set_read_timeout(Some(left))?;
        let count = connection.read(&mut chunk)?;
        if count == 0 {
            return Ok(false);
        }
        received.extend_from_slice(&chunk[..count]);
        if at == 0 {
            if received.len() < GREETING_BYTES {
                continue;
            }
            if !is_greeting(&received) {
                return Ok(false);
            }
            at = GREETING_BYTES;
        }
        while let Some((flags, body, end)) = frame(&received, at) {
            at = end;
            if flags & COMMAND != 0 && body.starts_with(b"\x05READY") {
                // Services have a ROUTER socket.
                if !contains(body, b"\0\0\0\x06ROUTER") {
                    return Ok(false);
                }
                for payload in &payloads {
                    let length = u8::try_from(payload.len()).expect("it is short");
                    connection.write_all(&[&[MORE, 0, 0, length], payload.as_slice()].concat())?;
                }
            } else if flags & (COMMAND | MORE) == 0 && is_answer(body, &ids) {
                // One that is sent back as it was is no answer.
                return Ok(!payloads.iter().any(|payload| payload == body));
            }
        }
    }
}

/// What a DEALER begins with: signature, version 3.0 and mechanism in 64 bytes, then the command `READY`.
fn hello() -> Vec<u8> {
    let mut bytes = vec![0; GREETING_BYTES];
    (bytes[0], bytes[9], bytes[10]) = (0xff, 0x7f, 3);
    bytes[12..16].copy_from_slice(b"NULL");
    bytes.extend([COMMAND, u8::try_from(READY.len()).expect("it is short")]);
    bytes.extend(READY);
    bytes
}

fn is_greeting(bytes: &[u8]) -> bool {
    bytes[0] == 0xff && bytes[9] == 0x7f && bytes[10] >= 3 && bytes[12..17] == *b"NULL\0"
}

/// The frame that begins at `at`, if it is complete: its flags, its body and where it ends.
fn frame(bytes: &[u8], at: usize) -> Option<(u8, &[u8], usize)> {
    let flags = *bytes.get(at)?;
    let (from, size) = if flags & LONG == 0 {
        (at + 2, u64::from(*bytes.get(at + 1)?))
    } else {
        (at + 9, u64::from_be_bytes(bytes.get(at + 1..at + 9)?.try_into().ok()?))
    };
    let end = from.checked_add(usize::try_from(size).ok()?)?;
    Some((flags, bytes.get(from..end)?, end))
}

fn heartbeat(app: &str, id: &str) -> Vec<u8> {
    let timestamp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let metadata = Metadata { hb_timestamp: timestamp };
    rmp_serde::to_vec_named(&Heartbeat { app, id, r#type: "heartbeat", timestamp, metadata })
        .expect("text and numbers can be encoded")
}

fn is_answer(payload: &[u8], ids: &[String]) -> bool {
    rmp_serde::from_slice::<Answer>(payload)
        .is_ok_and(|answer| answer.r#type == "heartbeat" && ids.contains(&answer.id))
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_port_that_is_no_service_does_not_answer() {
        let says: [Option<Vec<u8>>; 4] = [
            Some(Vec::new()),
            Some(format!("HTTP/1.1 400 Bad Request\r\n\r\n{:80}", "").into_bytes()),
            Some(vec![0; MAX_BYTES]),
            None,
        ];
        for text in says {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            let port = listener.local_addr().expect("an address").port();
            let server = std::thread::spawn(move || {
                let (mut connection, _) = listener.accept().expect("a connection");
                match text {
                    // The other end may close first.
                    Some(text) => drop(connection.write_all(&text)),
                    None => drop(std::io::copy(&mut connection.try_clone().expect("a clone"), &mut connection)),
                }
            });
            assert!(!answers_heartbeat(port));
            server.join().expect("no panic");
        }
    }
}
