//! Bounds the memory that is held for all peers together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Less than this is not counted, in bytes.
const SMALL: usize = 64 * 1024;

/// What is held for all peers: messages that have begun to arrive, and messages that a peer has not read.
#[derive(Debug)]
pub(crate) struct Account {
    limit: usize,
    bytes: AtomicUsize,
    shares: AtomicUsize,
}

impl Account {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, bytes: AtomicUsize::new(0), shares: AtomicUsize::new(0) })
    }
}

/// What is held for one peer.
#[derive(Debug)]
pub(super) struct Share {
    account: Option<Arc<Account>>,
    bytes: usize,
}

impl Share {
    /// A part of an account, or of none: then there is no bound.
    pub(super) fn of(account: Option<Arc<Account>>) -> Self {
        Self { account, bytes: 0 }
    }

    pub(super) fn has_account(&self) -> bool {
        self.account.is_some()
    }

    /// Sets what is held for this peer. Returns the limit if all together exceed it and this peer has more than an equal part.
    pub(super) fn set(&mut self, held: usize) -> Result<(), usize> {
        let Some(account) = &self.account else { return Ok(()) };
        let held = if held > SMALL { held } else { 0 };
        if held == self.bytes {
            return Ok(());
        }
        match (self.bytes, held) {
            (0, _) => account.shares.fetch_add(1, Ordering::Relaxed),
            (_, 0) => account.shares.fetch_sub(1, Ordering::Relaxed),
            _ => account.shares.load(Ordering::Relaxed),
        };
        // Wraps around where it shrinks, and so does the sum.
        account.bytes.fetch_add(held.wrapping_sub(self.bytes), Ordering::Relaxed);
        self.bytes = held;
        let part = account.limit / account.shares.load(Ordering::Relaxed).max(1);
        if account.bytes.load(Ordering::Relaxed) > account.limit && held >= part {
            return Err(account.limit);
        }
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let _ = self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_share_is_refused_when_all_exceed_the_limit() {
        let account = Account::new(10 * SMALL);
        let mut shares: Vec<Share> = (0..4).map(|_| Share::of(Some(account.clone()))).collect();
        let outcomes: Vec<_> = shares.iter_mut().map(|share| share.set(3 * SMALL)).collect();
        assert_eq!(outcomes, [Ok(()), Ok(()), Ok(()), Err(10 * SMALL)]);
        assert_eq!(shares[0].set(2 * SMALL), Ok(()), "it is below an equal part");
        assert_eq!(shares[3].set(SMALL), Ok(()), "so little is not counted");
        drop(shares);
        assert_eq!(account.bytes.load(Ordering::Relaxed), 0);
        assert_eq!(account.shares.load(Ordering::Relaxed), 0);
        assert_eq!(Share::of(None).set(usize::MAX), Ok(()));
    }
}
