//! Compresses and restores bytes for the process that spawned it, with the methods below.

use lz4_flex::block::{compress_prepend_size, decompress_size_prepended};
use multifrost::{Bytes, CallError, CallResult, ChildWorkerContext, methods, run_worker};

/// The largest original size that a block may claim, in bytes. The claim comes from outside and is checked.
const MOST: usize = 64 * 1024 * 1024;

struct Lz4Codec;

methods! {
    impl Lz4Codec {
        /// The bytes as an LZ4 block with its size in front.
        async fn compress(&self, data: Bytes) -> CallResult<Bytes> {
            Ok(Bytes(compress_prepend_size(&data.0)))
        }

        /// The bytes that a block of `compress` was made from.
        async fn restore(&self, block: Bytes) -> CallResult<Bytes> {
            let size = block.0.first_chunk().map(|size| u32::from_le_bytes(*size) as usize);
            if size.is_none_or(|size| size > MOST) {
                return Err(CallError::new("this is no block of compress()").with_name("CorruptBlock"));
            }
            let data = decompress_size_prepended(&block.0);
            data.map(Bytes).map_err(|error| CallError::new(error.to_string()).with_name("CorruptBlock"))
        }
    }
}

#[tokio::main]
async fn main() {
    run_worker(Lz4Codec, ChildWorkerContext::new()).await;
}
