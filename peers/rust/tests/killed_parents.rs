//! Whatever kills a parent, its workers and what they started end with it.

mod support;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use support::{Guarded, edge_worker, is_running, signal, until};

/// A parent in another process, its worker, and what that has started.
struct Family {
    parent: Guarded,
    worker: u32,
    in_group: u32,
    in_own_session: u32,
}

impl Family {
    fn new() -> Self {
        let mut command = Command::new(edge_worker());
        let mut parent = Guarded(command.arg("parent").stdout(Stdio::piped()).spawn().expect("it starts"));
        let lines = BufReader::new(parent.0.stdout.take().expect("it is piped")).lines();
        let lines: Vec<String> = lines.take(2).map(|line| line.expect("text")).collect();
        let pids = lines.iter().find(|line| *line != "started").expect("pids");
        let pids: Vec<u32> = pids.split(' ').map(|pid| pid.parse().expect("a number")).collect();
        Self { parent, worker: pids[0], in_group: pids[1], in_own_session: pids[2] }
    }

    async fn ends(&self) {
        until("the worker is gone", || !is_running(self.worker)).await;
        until("what it started is gone", || !is_running(self.in_group)).await;
        assert!(is_running(self.in_own_session));
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        for pid in [self.worker, self.in_group, self.in_own_session] {
            if is_running(pid) {
                signal(pid, "KILL");
            }
        }
    }
}

#[tokio::test]
async fn a_killed_parent_leaves_nothing_of_its_workers_group() {
    for death in ["KILL", "QUIT", "INT", "STOP KILL"] {
        let family = Family::new();
        // It cannot notice by itself.
        signal(family.worker, "STOP");
        for name in death.split(' ') {
            signal(family.parent.0.id(), name);
        }
        family.ends().await;
    }
}

#[tokio::test]
async fn nor_where_its_worker_is_killed_with_it() {
    let family = Family::new();
    signal(family.parent.0.id(), "STOP");
    signal(family.worker, "KILL");
    signal(family.parent.0.id(), "KILL");
    family.ends().await;
}

#[tokio::test]
async fn a_killed_worker_takes_its_group_with_it() {
    let family = Family::new();
    signal(family.worker, "KILL");
    family.ends().await;
}
