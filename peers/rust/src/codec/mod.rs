//! Messages of the protocol, and their encoding. Most programs do not need this module, except for [`Limits`].

mod decode;
mod encode;
mod limits;
mod message;
mod reader;
mod remote_error;
mod writer;

pub(crate) use decode::decode_within;
pub use decode::{Unread, UnreadKind, decode};
pub use encode::encode;
pub use limits::Limits;
pub use message::{APP_ID, Body, DEFAULT_NAMESPACE, Message};
pub(crate) use reader::read_value;
pub use remote_error::{ErrorParts, remote_error_of};
