//! Start, output, restart and stop of workers.

mod support;

use std::time::{Duration, Instant};

use multifrost::codec::Limits;
use multifrost::{Bytes, CallOptions, CircuitState, Error, ParentWorker, ParentWorkerBuilder, WorkerState, call};
use support::{Lines, SteadyCalls, edge_worker, is_running, signal, spawning, started, until};

async fn start_error(builder: ParentWorkerBuilder) -> Error {
    let worker = builder.logger(multifrost::StructuredLogger::new()).build().await.expect("it can be built");
    let error = worker.start().await.expect_err("it does not start");
    assert_eq!(worker.state(), WorkerState::Failed);
    error
}

async fn pid_of(worker: &ParentWorker) -> u32 {
    let pid = worker.pid().expect("it has a process");
    let own: u32 = call!(worker, pid()).await.expect("its pid");
    assert_eq!(own, pid);
    pid
}

#[tokio::test]
async fn a_failed_start_reports_the_reason() {
    let error = start_error(ParentWorkerBuilder::spawn("/nowhere/worker")).await;
    assert_eq!(error.code(), "PROGRAM_NOT_FOUND");
    assert!(error.to_string().contains("/nowhere/worker"), "{error}");

    let script = ["-c", "echo oh no >&2; exit 7"];
    let error = start_error(ParentWorkerBuilder::spawn("sh").args(script).stderr_handler(|_| {})).await;
    assert_eq!(error.code(), "EXITED_EARLY");
    assert!(error.to_string().contains("exit code 7") && error.to_string().contains("oh no"), "{error}");

    let begun = Instant::now();
    let limit = Duration::from_millis(200);
    let error = start_error(ParentWorkerBuilder::spawn("sleep").args(["60"]).start_timeout(limit)).await;
    assert_eq!(error.code(), "START_TIMEOUT");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn calls_before_start_and_after_stop_are_refused() {
    let worker = spawning().build().await.expect("it can be built");
    let early = call!(worker, add(1, 2)).await as multifrost::Result<i64>;
    assert!(early.expect_err("not started").to_string().contains("call start() first"));
    worker.start().await.expect("it starts");
    assert_eq!(worker.start().await.expect_err("it was started").code(), "ALREADY_STARTED");
    worker.stop().await;
    worker.stop().await;
    assert_eq!(worker.state(), WorkerState::Stopped);
    let late = call!(worker, add(1, 2)).await as multifrost::Result<i64>;
    assert_eq!(late.expect_err("stopped").code(), "NOT_RUNNING");

    let never = spawning().build().await.expect("it can be built");
    never.stop().await;
    assert!(never.start().await.is_err());
}

#[tokio::test]
async fn invalid_options_are_refused() {
    let error = spawning().heartbeat_interval(-1.0).build().await.err().expect("refused");
    assert_eq!(error.code(), "INVALID_OPTION");
    let error = spawning().limits(Limits { depth: 0, ..Limits::default() }).build().await.err().expect("refused");
    assert!(error.to_string().contains("the limit depth must be at least 1"), "{error}");
    let error = ParentWorkerBuilder::connect("service", None).args(["x"]).build().await.err().expect("refused");
    assert_eq!(error.code(), "INVALID_OPTION");
}

#[tokio::test]
async fn an_exit_fails_waiting_calls_at_once_with_its_code_and_stderr() {
    let worker = started(spawning()).await;
    let waiting = async { call!(worker, sleep(30000)).await as multifrost::Result<u64> };
    let begun = Instant::now();
    let (exit, sleep) = tokio::join!(async { call!(worker, exit(3)).await as multifrost::Result<()> }, waiting);
    assert!(begun.elapsed() < Duration::from_secs(5));
    for error in [exit.expect_err("it exited"), sleep.expect_err("it exited")] {
        let Error::WorkerExited(end) = error else { panic!("{error:?}") };
        assert_eq!((end.exit_code, end.signal), (Some(3), None));
        assert!(end.stderr_tail.contains("this is the end of stderr"), "{end:?}");
    }
    until("it has failed", || worker.state() == WorkerState::Failed).await;
    let late = call!(worker, add(1, 2)).await as multifrost::Result<i64>;
    assert_eq!(late.expect_err("it is gone").code(), "NOT_RUNNING");
}

#[tokio::test]
async fn a_killed_worker_is_restarted_and_calls_wait_for_it() {
    let worker = started(spawning().auto_restart(true)).await;
    let pid = pid_of(&worker).await;
    signal(pid, "KILL");
    until("it is lost", || worker.state() != WorkerState::Running || worker.pid() != Some(pid)).await;
    let sum: i64 = call!(worker, add(1, 2)).await.expect("the new process answers");
    assert_eq!((sum, worker.metrics().snapshot().restarts), (3, 1));
    assert_ne!(pid_of(&worker).await, pid);
    worker.stop().await;
}

#[tokio::test]
async fn a_worker_fails_after_its_last_restart() {
    let worker = started(spawning().auto_restart(true).max_restart_attempts(1)).await;
    for _ in 0..2 {
        until("it runs", || worker.state() == WorkerState::Running).await;
        let pid = worker.pid().expect("it has a process");
        signal(pid, "KILL");
        until("that one is gone", || worker.pid() != Some(pid)).await;
    }
    until("it has failed", || worker.state() == WorkerState::Failed).await;
}

#[tokio::test]
async fn a_graceful_end_of_a_worker_that_is_restarted_costs_its_callers_nothing() {
    let worker = started(spawning().auto_restart(true).max_restart_attempts(5)).await;
    let calls = SteadyCalls::begin(&worker);
    for restarts in 0..3 {
        signal(worker.pid().expect("it runs"), "TERM");
        until("it is restarted", || worker.metrics().snapshot().restarts > restarts).await;
        pid_of(&worker).await;
    }
    calls.end().await;
    worker.stop().await;
}

#[tokio::test]
async fn failures_open_the_circuit_and_a_trial_closes_it() {
    let worker = started(spawning().max_restart_attempts(2)).await;
    let short = || Some(CallOptions::new().timeout(Duration::from_millis(1)));
    let _: Result<i64, _> = call!(worker, ad(1)).await;
    for _ in 0..2 {
        let late = worker.call::<u64>("sleep", (100,), short()).await.expect_err("it is late");
        assert!(matches!(late, Error::Timeout { sent: true, .. }), "{late:?}");
    }
    assert_eq!(worker.circuit_state(), CircuitState::Open);
    assert!(!worker.is_healthy());
    let refused: multifrost::Result<i64> = call!(worker, parse("1")).await;
    let Err(Error::CircuitOpen { retry_at, function: None }) = refused else { panic!("{refused:?}") };
    assert!(retry_at <= std::time::SystemTime::now() + Duration::from_secs(1));
    until("a trial is due", || worker.circuit_state() == CircuitState::HalfOpen).await;
    let one: i64 = call!(worker, parse("1")).await.expect("it is let through");
    assert_eq!(one, 1);
    assert_eq!(worker.circuit_state(), CircuitState::Closed);
    let changes = worker.metrics().snapshot().circuit_breaker_events;
    assert!(changes.iter().any(|change| change.state == CircuitState::Open), "{changes:?}");
    worker.stop().await;
}

#[tokio::test]
async fn a_method_that_fails_again_and_again_is_refused_and_no_other() {
    let builder = spawning().max_restart_attempts(2).is_failure(|error| !error.to_string().contains("lenient"));
    let worker = started(builder).await;
    for _ in 0..3 {
        let _ = worker.call::<()>("panic", ("lenient",), None).await.expect_err("it panics");
    }
    for _ in 0..2 {
        let failed: multifrost::Result<i64> = call!(worker, parse("x")).await;
        assert_eq!(failed.expect_err("no number").code(), "REMOTE_ERROR");
        let sum: i64 = call!(worker, add(1, 2)).await.expect("another method");
        assert_eq!(sum, 3);
    }
    let refused: multifrost::Result<i64> = call!(worker, parse("1")).await;
    let error = refused.expect_err("its circuit is open");
    assert!(matches!(&error, Error::CircuitOpen { function: Some(function), .. } if function == "parse"), "{error:?}");
    assert!(error.to_string().contains("other methods can be called"), "{error}");
    let sum: i64 = call!(worker, add(1, 2)).await.expect("another method");
    assert_eq!((sum, worker.is_healthy()), (3, true));
    let failed: multifrost::Result<()> = worker.call("panic", ("lenient",), None).await;
    assert_eq!(failed.expect_err("exempted").code(), "REMOTE_ERROR");
    worker.reset_circuit();
    let one: i64 = call!(worker, parse("1")).await.expect("it is let through");
    assert_eq!(one, 1);
    worker.stop().await;
}

#[tokio::test]
async fn a_trial_without_a_timeout_does_not_keep_others_out() {
    let builder = ParentWorkerBuilder::spawn(edge_worker()).logger(multifrost::StructuredLogger::new());
    let limit = Duration::from_secs(2);
    let worker = started(builder.max_restart_attempts(1).start_timeout(limit).stop_timeout(Duration::ZERO)).await;
    let _ = worker.call::<u64>("sleep", (1,), Some(CallOptions::new().timeout(Duration::from_nanos(1)))).await;
    until("a trial is due", || worker.circuit_state() == CircuitState::HalfOpen).await;
    let caller = worker.clone();
    let trial = tokio::spawn(async move { call!(caller, sleep(60_000)).await as multifrost::Result<u64> });
    until("it waits", || worker.metrics().snapshot().queue_depth == 1).await;
    let mut sum = Err(Error::Overload { limit: 0 });
    while sum.is_err() {
        sum = call!(worker, add(1, 2)).await as multifrost::Result<i64>;
        tokio::task::yield_now().await;
    }
    trial.abort();
    worker.stop().await;
}

#[tokio::test]
async fn a_busy_worker_answers_heartbeats() {
    let worker = started(spawning().heartbeat_interval(0.05).heartbeat_timeout(1.0)).await;
    let before = worker.metrics().snapshot().heartbeat_rtt_ms.count;
    // This blocks the only thread of the worker's runtime.
    let _: u64 = call!(worker, busy(1500)).await.expect("it ends");
    let after = worker.metrics().snapshot();
    assert!(after.heartbeat_rtt_ms.count - before >= 5 && after.heartbeat_misses == 0, "{after:?}");
    worker.stop().await;
}

#[tokio::test]
async fn a_stopped_process_misses_heartbeats_and_recovers() {
    let builder = spawning().heartbeat_interval(0.05).heartbeat_timeout(0.1).heartbeat_max_misses(2).stall_timeout(0.0);
    let worker = started(builder).await;
    let pid = pid_of(&worker).await;
    signal(pid, "STOP");
    until("the circuit is open", || worker.circuit_state() != CircuitState::Closed).await;
    signal(pid, "CONT");
    until("it is closed again", || worker.circuit_state() == CircuitState::Closed).await;
    assert!(worker.metrics().snapshot().heartbeat_misses >= 2);
    worker.stop().await;
}

#[tokio::test]
async fn a_stalled_worker_is_reported_and_goes_on() {
    let builder = spawning().auto_restart(true).max_restart_attempts(1);
    let worker = started(builder.heartbeat_interval(0.005).heartbeat_timeout(0.02).heartbeat_max_misses(2)).await;
    let pid = pid_of(&worker).await;
    signal(pid, "STOP");
    let caller = worker.clone();
    let waiting = tokio::spawn(async move { call!(caller, add(1, 2)).await as multifrost::Result<i64> });
    until("many heartbeats are missed", || worker.metrics().snapshot().heartbeat_misses > 20).await;
    assert_eq!((worker.state(), worker.circuit_state()), (WorkerState::Stalled, CircuitState::Closed));
    assert!(!worker.is_healthy());
    signal(pid, "CONT");
    assert_eq!(waiting.await.expect("no panic").expect("it goes on"), 3);
    until("it is healthy again", || worker.is_healthy()).await;
    assert_eq!((pid_of(&worker).await, worker.metrics().snapshot().restarts), (pid, 0));
    worker.stop().await;
}

#[tokio::test]
async fn a_hung_worker_is_restarted_with_auto_restart() {
    let builder = spawning().auto_restart(true).heartbeat_interval(0.05).heartbeat_timeout(0.1).stall_timeout(0.5);
    let worker = started(builder).await;
    let pid = pid_of(&worker).await;
    signal(pid, "STOP");
    let waiting: multifrost::Result<i64> = call!(worker, add(1, 2)).await;
    let error = waiting.expect_err("it was killed");
    assert!(error.to_string().contains("stall_timeout"), "{error}");
    let Error::WorkerExited(end) = error else { panic!("{error:?}") };
    assert_eq!(end.stalled, Some(Duration::from_millis(500)));
    until("there is another", || worker.pid().is_some_and(|now| now != pid)).await;
    assert!(!is_running(pid));
    worker.stop().await;
}

/// The runtime has one thread, which is kept busy here, as by a program that computes.
#[tokio::test]
async fn a_parent_that_was_busy_itself_does_not_kill_its_worker() {
    let builder = spawning().auto_restart(true).heartbeat_interval(0.05).heartbeat_timeout(1.0);
    let worker = started(builder.heartbeat_max_misses(1).stall_timeout(0.0)).await;
    let pid = pid_of(&worker).await;
    for milliseconds in [1300, 2500] {
        let beats = worker.metrics().snapshot().heartbeat_rtt_ms.count;
        until("heartbeats go on", || worker.metrics().snapshot().heartbeat_rtt_ms.count > beats).await;
        let busy = Instant::now();
        while busy.elapsed() < Duration::from_millis(milliseconds) {
            std::hint::spin_loop();
        }
    }
    assert_eq!((pid_of(&worker).await, worker.metrics().snapshot().restarts), (pid, 0));
    worker.stop().await;
}

#[tokio::test]
async fn stop_lets_calls_in_flight_finish_and_ends_the_process() {
    let worker = started(spawning()).await;
    let pid = pid_of(&worker).await;
    let caller = worker.clone();
    let sleeping = tokio::spawn(async move { call!(caller, sleep(300)).await as multifrost::Result<u64> });
    let _: i64 = call!(worker, add(1, 2)).await.expect("made after the sleep, so that one is in flight");
    let begun = Instant::now();
    worker.stop().await;
    assert_eq!(sleeping.await.expect("no panic").expect("it is answered"), 300);
    assert!(!is_running(pid));
    assert!(begun.elapsed() < Duration::from_secs(2), "it took {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_large_last_answer_arrives_while_heartbeats_go_on() {
    for _ in 0..5 {
        let worker = started(spawning().heartbeat_interval(0.005)).await;
        let answer: Bytes = call!(worker, answer_at_the_end(20_000_000)).await.expect("all of it");
        assert_eq!(answer.0.len(), 20_000_000);
        worker.stop().await;
    }
}

#[tokio::test]
async fn stop_kills_a_process_that_does_not_exit() {
    let worker = started(spawning().stop_timeout(Duration::from_millis(100))).await;
    let pid = pid_of(&worker).await;
    signal(pid, "STOP");
    worker.stop().await;
    assert!(!is_running(pid), "the process still runs");
}

#[tokio::test]
async fn dropping_the_last_handle_ends_the_process() {
    let worker = started(spawning()).await;
    let pid = pid_of(&worker).await;
    drop(worker.clone());
    assert!(is_running(pid));
    drop(worker);
    until("it is gone", || !is_running(pid)).await;
}

#[tokio::test]
async fn output_of_the_process_and_its_children_arrives_line_by_line() {
    let (stdout, stderr) = (Lines::default(), Lines::default());
    let worker = started(spawning().stdout_handler(stdout.handler()).stderr_handler(stderr.handler())).await;
    let _: () = call!(worker, say("grüße 1\ngrüße 2")).await.expect("printed");
    let _: () = call!(worker, say_raw("from a child process")).await.expect("printed");
    until("all lines have arrived", || stdout.all().len() == 2 && stderr.all().len() == 1).await;
    assert_eq!(stdout.all(), ["grüße 1", "grüße 2"]);
    assert_eq!(stderr.all(), ["from a child process"]);
    worker.stop().await;
}

#[tokio::test]
async fn a_panic_in_a_handler_has_no_other_effect() {
    let lines = Lines::default();
    let collect = lines.handler();
    let worker = started(spawning().stdout_handler(move |line| {
        collect(line);
        assert!(line != "bad", "a mistake in the handler");
    }))
    .await;
    let _: () = call!(worker, say("bad\ngood")).await.expect("printed");
    until("both lines have arrived", || lines.all() == ["bad", "good"]).await;
    let sum: i64 = call!(worker, add(1, 2)).await.expect("a sum");
    assert_eq!(sum, 3);
    worker.stop().await;
}

#[tokio::test]
async fn ten_megabytes_of_output_do_not_block_the_worker() {
    let lines = Lines::default();
    let worker = started(spawning().stdout_handler(lines.handler())).await;
    let _: () = call!(worker, say_much(10_000)).await.expect("printed");
    until("all lines have arrived", || lines.all().len() == 10_000).await;
    worker.stop().await;
}
