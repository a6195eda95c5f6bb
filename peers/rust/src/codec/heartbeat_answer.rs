//! Answers heartbeats with the bytes that came.

use rmp::encode as rmp;

use super::decode::decode_for;
use super::limits::{ENVELOPE_DEPTH, Limits};
use super::message::{APP_ID, Body};
use super::reader::{Read, Reader};

/// The answer to a heartbeat of the app `comlink_ipc_v3`: it repeats the id, and each value of `args` and `metadata` in the bytes in
/// which it came (rule MSG-12). `None` if it is no heartbeat, or the answer exceeds the limits.
pub fn answer_heartbeat(heartbeat: &[u8], limits: &Limits, timestamp: f64) -> Option<Vec<u8>> {
    answer_heartbeat_for(APP_ID, heartbeat, limits, timestamp)
}

/// The same for any app.
pub(crate) fn answer_heartbeat_for(app: &str, heartbeat: &[u8], limits: &Limits, timestamp: f64) -> Option<Vec<u8>> {
    let message = decode_for(app, heartbeat, limits).ok()?;
    let Body::Heartbeat { args } = &message.body else { return None };
    let repeated = read(heartbeat, limits).ok()?;
    let args = args.as_ref().and(repeated.args);
    let mut out = vec![0x80 | if args.is_some() { 6 } else { 5 }];
    for text in ["app", app, "id", &message.id, "type", "heartbeat", "timestamp"] {
        write_text(&mut out, text);
    }
    rmp::write_f64(&mut out, timestamp).expect("a vector takes all bytes");
    if let Some(args) = args {
        write_text(&mut out, "args");
        out.extend_from_slice(args);
    }
    write_text(&mut out, "metadata");
    rmp::write_map_len(&mut out, u32::try_from(repeated.metadata.len() + 1).ok()?).expect("a vector takes all bytes");
    for (_, field) in repeated.metadata {
        out.extend_from_slice(field);
    }
    write_text(&mut out, "hb_response");
    out.push(0xc3);
    (out.len() <= limits.message_bytes).then_some(out)
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    rmp::write_str(out, text).expect("a vector takes all bytes");
}

/// What an answer repeats, as bytes.
#[derive(Default)]
struct Repeated<'a> {
    args: Option<&'a [u8]>,
    /// The keys of the metadata, each with the bytes of itself and its value.
    metadata: Vec<(String, &'a [u8])>,
}

fn read<'a>(bytes: &'a [u8], limits: &'a Limits) -> Read<Repeated<'a>> {
    let mut repeated = Repeated::default();
    let mut reader = Reader::new(bytes, limits)?;
    for _ in 0..reader.map_head()? {
        let key = reader.key()?;
        let start = bytes.len() - reader.left();
        match (&*key, bytes.get(start)) {
            ("metadata", Some(0x80..=0x8f | 0xde | 0xdf)) => repeated.metadata = read_metadata(bytes, &mut reader)?,
            ("metadata", _) => {
                reader.value(ENVELOPE_DEPTH)?;
                repeated.metadata.clear();
            }
            ("args", _) => {
                reader.value(ENVELOPE_DEPTH - 1)?;
                repeated.args = Some(&bytes[start..bytes.len() - reader.left()]);
            }
            _ => {
                reader.value(ENVELOPE_DEPTH)?;
            }
        }
    }
    Ok(repeated)
}

/// Of equal keys the last one counts. The answer has its own features, and this worker has none.
fn read_metadata<'a>(bytes: &'a [u8], reader: &mut Reader<'a>) -> Read<Vec<(String, &'a [u8])>> {
    let mut fields: Vec<(String, &[u8])> = Vec::new();
    for _ in 0..reader.map_head()? {
        let start = bytes.len() - reader.left();
        let key = reader.key()?.into_owned();
        reader.value(ENVELOPE_DEPTH + 1)?;
        let field = &bytes[start..bytes.len() - reader.left()];
        if key == "hb_response" || key == "features" {
            continue;
        }
        match fields.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = field,
            None => fields.push((key, field)),
        }
    }
    Ok(fields)
}
