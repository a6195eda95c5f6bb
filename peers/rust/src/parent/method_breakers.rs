//! A circuit breaker for each method that fails. What a method returns as its error says nothing about the worker's others.

use std::collections::{HashMap, VecDeque};
use std::time::SystemTime;

use super::breaker::{Breaker, CircuitState, Ticket};

/// Methods that fail at the same time and are remembered. Beyond, the one that failed first is forgotten.
const MAX_METHODS: usize = 1000;

/// The breakers of the methods whose latest calls failed. A method that succeeds has none.
#[derive(Debug)]
pub(super) struct MethodBreakers {
    threshold: u32,
    breakers: HashMap<String, Breaker>,
    /// The methods, in the order in which they failed first.
    order: VecDeque<String>,
}

impl MethodBreakers {
    /// Each breaker opens after `threshold` consecutive failures.
    pub(super) fn new(threshold: u32) -> Self {
        Self { threshold, breakers: HashMap::new(), order: VecDeque::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.breakers.is_empty()
    }

    /// The state of a method's breaker.
    pub(super) fn state(&self, method: &str) -> CircuitState {
        self.breakers.get(method).map_or(CircuitState::Closed, Breaker::state)
    }

    /// Admits a call, or returns the time at which the next one may go out. `None` if the method's latest call did not fail.
    pub(super) fn admit(&mut self, method: &str) -> Result<Option<Ticket>, SystemTime> {
        self.breakers.get_mut(method).map(Breaker::admit).transpose()
    }

    /// Records that a call succeeded.
    pub(super) fn success(&mut self, method: &str, ticket: Option<Ticket>) {
        let Some(breaker) = self.breakers.get_mut(method) else { return };
        if let Some(ticket) = ticket_of(breaker, ticket) {
            breaker.success(ticket);
        }
        if breaker.is_fresh() {
            self.breakers.remove(method);
            self.order.retain(|known| known != method);
        }
    }

    /// Records that the method failed.
    pub(super) fn failure(&mut self, method: &str, ticket: Option<Ticket>) {
        if !self.breakers.contains_key(method) {
            self.add(method);
        }
        if let Some(breaker) = self.breakers.get_mut(method)
            && let Some(ticket) = ticket_of(breaker, ticket)
        {
            breaker.failure(ticket);
        }
    }

    /// Records an outcome that says nothing about the method.
    pub(super) fn ignored(&mut self, method: &str, ticket: Option<Ticket>) {
        if let (Some(breaker), Some(ticket)) = (self.breakers.get_mut(method), ticket) {
            breaker.ignored(ticket);
        }
    }

    /// Forgets all failures.
    pub(super) fn close(&mut self) {
        self.breakers.clear();
        self.order.clear();
    }

    fn add(&mut self, method: &str) {
        if self.order.len() >= MAX_METHODS
            && let Some(first) = self.order.pop_front()
        {
            self.breakers.remove(&first);
        }
        self.breakers.insert(method.to_owned(), Breaker::new(self.threshold));
        self.order.push_back(method.to_owned());
    }
}

/// A call that was made before the method began to fail has no ticket: it counts like the others while the breaker is closed, and
/// no longer once it has opened.
fn ticket_of(breaker: &mut Breaker, ticket: Option<Ticket>) -> Option<Ticket> {
    match ticket {
        None if breaker.state() == CircuitState::Closed => breaker.admit().ok(),
        ticket => ticket,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_that_fails_leaves_others_callable() {
        let mut methods = MethodBreakers::new(2);
        for _ in 0..2 {
            let ticket = methods.admit("parse").expect("closed");
            methods.failure("parse", ticket);
            methods.success("add", None);
        }
        assert!(methods.admit("parse").is_err());
        assert_eq!(methods.admit("add"), Ok(None));
        methods.failure("parse", None); // a call from before it opened
        assert_eq!(methods.state("parse"), CircuitState::Open);

        methods.breakers.get_mut("parse").expect("it failed").make_due();
        let trial = methods.admit("parse").expect("a trial");
        assert!(methods.admit("parse").is_err(), "there is a trial already");
        methods.ignored("parse", trial);
        let trial = methods.admit("parse").expect("the next trial");
        methods.success("parse", trial);
        assert!(methods.is_empty());
        methods.failure("parse", None);
        methods.close();
        assert!(methods.is_empty() && methods.order.is_empty());
    }

    #[test]
    fn failing_methods_are_bounded() {
        let mut methods = MethodBreakers::new(1);
        for index in 0..MAX_METHODS + 10 {
            methods.failure(&index.to_string(), None);
        }
        assert_eq!((methods.breakers.len(), methods.order.len()), (MAX_METHODS, MAX_METHODS));
        assert_eq!(methods.admit("0"), Ok(None));
        assert!(methods.admit("1009").is_err());
    }
}
