//! Messages of the protocol, and their encoding. Most programs do not need this module, except for [`Limits`].

mod decode;
mod encode;
mod heartbeat_answer;
mod limits;
mod message;
mod reader;
mod remote_error;
mod writer;

pub use decode::{Unread, UnreadKind, decode};
pub(crate) use decode::{decode_for, decode_within};
pub use encode::encode;
pub(crate) use encode::encode_for;
pub use heartbeat_answer::answer_heartbeat;
pub(crate) use heartbeat_answer::answer_heartbeat_for;
pub use limits::Limits;
pub(crate) use message::wire_time;
pub use message::{APP_ID, Body, DEFAULT_NAMESPACE, Message};
pub(crate) use remote_error::MAX_DEPTH;
pub use remote_error::{ErrorParts, remote_error_of};
