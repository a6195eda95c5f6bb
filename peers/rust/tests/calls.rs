//! Calls from a parent to a worker of this crate.

mod support;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use multifrost::codec::{Body, Message};
use multifrost::{Bytes, CallOptions, Error, Map, RemoteError, Value, call};
use serde::{Deserialize, Serialize};
use support::{Guarded, spawning, started};

fn remote<T: std::fmt::Debug>(outcome: Result<T, Error>) -> RemoteError {
    match outcome {
        Err(Error::Remote(error)) => *error,
        other => panic!("expected a remote error, got {other:?}"),
    }
}

#[tokio::test]
async fn results_have_the_requested_type() {
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Point {
        x: f64,
        y: f64,
        label: Option<String>,
    }

    let worker = started(spawning()).await;
    let sum: i64 = call!(worker, add(10, 20)).await.expect("a sum");
    assert_eq!(sum, 30);
    let sum: Value = worker.call("add", vec![Value::from(1_i64), Value::from(2_i64)], None).await.expect("a sum");
    assert_eq!(sum, Value::Int(3));
    let point = Point { x: 1.0, y: 0.5, label: None };
    let mirrored: Point = call!(worker, mirror(&point)).await.expect("a point");
    assert_eq!(mirrored, Point { x: -1.0, ..point });
    let greeting: String = call!(worker, greet("Ada")).await.expect("a greeting without a title");
    assert_eq!(greeting, "Hello, Ada!");
    let data: Bytes = call!(worker, echo(Bytes(vec![7; 1 << 20]))).await.expect("1 MiB");
    assert_eq!(data.0, vec![7; 1 << 20]);
    let wrong: Result<String, _> = call!(worker, add(1, 2)).await;
    assert_eq!(wrong.expect_err("no text").code(), "MALFORMED_MESSAGE");
    worker.stop().await;
}

#[tokio::test]
async fn both_sides_may_have_another_app_id() {
    let worker = started(spawning().app("comlink_ipc_v4").env("EDGE_APP", "comlink_ipc_v4")).await;
    let sum: i64 = call!(worker, add(1, 2)).await.expect("a sum");
    assert_eq!(sum, 3);
    let error = remote(call!(worker, fail_with_code()).await as multifrost::Result<()>);
    assert_eq!(error.name, "ValidationError");
    worker.stop().await;
    let other = spawning().env("EDGE_APP", "comlink_ipc_v4").start_timeout(Duration::from_millis(1500));
    let other = other.build().await.expect("it can be built");
    assert!(other.start().await.is_err(), "it ignores our heartbeats");
    other.stop().await;
    let refused = spawning().app("").build().await.err().expect("it is empty");
    assert_eq!(refused.code(), "INVALID_OPTION");
}

#[tokio::test]
async fn remote_errors_have_fields_and_a_cause() {
    let worker = started(spawning().max_restart_attempts(100)).await;
    let outcome = call!(worker, fail_to_find(7)).await as multifrost::Result<()>;
    let failed = outcome.expect_err("it fails");
    assert_eq!(failed.to_string(), "fail_to_find() failed in the worker: NotFound: no row");
    let source = std::error::Error::source(&failed).expect("a cause");
    assert_eq!(source.to_string(), "ParseIntError: invalid digit found in string");
    let error = remote(Err::<(), _>(failed));
    assert_eq!(error.data, Map::from([("row".to_owned(), Value::Int(7))]));
    assert_eq!(error.cause.expect("a cause").name, "ParseIntError");
    let error = remote(call!(worker, fail_too_deep()).await as multifrost::Result<()>);
    assert_eq!((error.message.as_str(), error.data.is_empty()), ("too deep", true));
    let sum: i64 = call!(worker, add(1, 2)).await.expect("it still works");
    assert_eq!(sum, 3);
    worker.stop().await;
}

#[tokio::test]
async fn remote_errors_have_name_message_and_code() {
    let worker = started(spawning().max_restart_attempts(100)).await;
    let error = remote(call!(worker, parse("x")).await as multifrost::Result<i64>);
    assert_eq!((error.name.as_str(), error.message.as_str()), ("ParseIntError", "invalid digit found in string"));
    assert_eq!((error.function.as_str(), error.code), ("parse", "REMOTE_ERROR"));
    let error = remote(call!(worker, fail_with_code()).await as multifrost::Result<()>);
    assert_eq!((error.name.as_str(), error.remote_code.as_deref()), ("ValidationError", Some("AGE")));
    let error = remote(call!(worker, fail_by_crate()).await as multifrost::Result<()>);
    assert_eq!((error.name.as_str(), error.code), ("MultifrostError", "REMOTE_ERROR"));
    let error = remote(call!(worker, panic("oh dear")).await as multifrost::Result<()>);
    assert_eq!((error.name.as_str(), error.message.as_str()), ("Panic", "panic() panicked: oh dear"));
    let error = remote(call!(worker, huge()).await as multifrost::Result<Value>);
    let what = "the answer cannot be sent: result: 1000001 items, above the limit array_length (1000000)";
    assert_eq!(error.message, what);
    let sum: i64 = call!(worker, add(1, 2)).await.expect("it still works");
    assert_eq!(sum, 3);
    worker.stop().await;
}

#[tokio::test]
async fn wrong_arguments_are_reported_by_name() {
    let worker = started(spawning()).await;
    let error = remote(call!(worker, add("x", 1)).await as multifrost::Result<i64>);
    assert_eq!(error.name, "ArgumentError");
    assert!(error.message.starts_with("the argument 'a' of add() cannot be read"), "{}", error.message);
    let error = remote(call!(worker, add(1)).await as multifrost::Result<i64>);
    assert_eq!(error.message, "the argument 'b' of add() is missing");
    let error = remote(call!(worker, add(1, 2, 3)).await as multifrost::Result<i64>);
    assert_eq!(error.message, "add(a, b) takes 2 arguments, 3 were given");
    worker.stop().await;
}

#[tokio::test]
async fn only_listed_names_can_be_called() {
    let worker = started(spawning()).await;
    let names = worker.list_functions().await.expect("the names");
    assert!(names.contains(&"add".to_owned()) && !names.contains(&"_secret".to_owned()), "{names:?}");
    let refusals = [
        ("_secret", "PRIVATE_METHOD", "Cannot call private method '_secret'"),
        ("ad", "FUNCTION_NOT_FOUND", "Function 'ad' not found; did you mean 'add'?"),
        ("handle_call", "FUNCTION_NOT_FOUND", "Function 'handle_call' not found"),
        ("", "MISSING_FUNCTION", "Message missing 'function' field"),
    ];
    for (name, code, message) in refusals {
        let error = remote(worker.call::<Value>(name, (), None).await);
        assert_eq!((error.code, error.message.as_str()), (code, message));
    }
    worker.stop().await;
}

#[tokio::test]
async fn calls_need_the_namespace_of_the_worker() {
    let worker = started(spawning().env("EDGE_NAMESPACE", "math")).await;
    let error = remote(call!(worker, add(1, 2)).await as multifrost::Result<i64>);
    assert_eq!(
        (error.code, error.message.as_str()),
        ("WRONG_NAMESPACE", "No namespace 'default' here; this worker's is 'math'")
    );
    let sum: i64 =
        call!(worker, add(1, 2), CallOptions::new().namespace("math").client_name("test")).await.expect("a sum");
    assert_eq!(sum, 3);
    worker.stop().await;
}

#[tokio::test]
async fn calls_for_other_namespaces_can_be_ignored() {
    let worker = started(spawning().env("EDGE_IGNORE", "1")).await;
    let other = CallOptions::new().namespace("elsewhere").timeout(Duration::from_millis(200));
    let unanswered: multifrost::Result<i64> = call!(worker, add(1, 2), other).await;
    assert_eq!(unanswered.expect_err("there is no answer").code(), "TIMEOUT");
    let sum: i64 = call!(worker, add(1, 2)).await.expect("a sum");
    assert_eq!(sum, 3);
    worker.stop().await;
}

#[tokio::test]
async fn a_message_handler_gets_every_message() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let into = seen.clone();
    let handler = move |message: &Message| into.lock().expect("no panic").push(message.body.clone());
    let worker = started(spawning().message_handler(handler)).await;
    let sum: i64 = call!(worker, add(1, 2)).await.expect("a sum");
    assert_eq!(sum, 3);
    let bodies = seen.lock().expect("no panic").clone();
    assert!(bodies.iter().any(|body| matches!(body, Body::Heartbeat { .. })), "{bodies:?}");
    assert!(bodies.iter().any(|body| matches!(body, Body::Response { result: Some(Value::Int(3)), .. })), "{bodies:?}");
    worker.stop().await;
}

#[tokio::test]
async fn introspection_describes_parameters_types_and_documentation() {
    let worker = started(spawning()).await;
    let interface = worker.describe().await.expect("an interface");
    let text = format!("{:?}", Value::Map(interface.clone()));
    assert_eq!(interface["language"], Value::from("rust"));
    let functions = interface["functions"].as_map().expect("a map");
    let add = functions["add"].as_map().expect("a map");
    assert_eq!(add["doc"], Value::from("The sum of both."));
    assert_eq!(add["returns"], Value::from("int"));
    assert_eq!(parameter(functions, "add", 1), ("b".to_owned(), Some(Value::from("int")), false));
    let union = Value::Map(Map::from([("union".to_owned(), Value::Array(vec!["str".into(), "nil".into()]))]));
    assert_eq!(parameter(functions, "greet", 1), ("title".to_owned(), Some(union), true));
    assert_eq!(parameter(functions, "kinds", 5).1, None, "an opaque type is left out");
    assert_eq!(parameter(functions, "kinds", 4).1, Some(Value::from("time")));
    let reference = Value::Map(Map::from([("ref".to_owned(), Value::from("Point"))]));
    assert_eq!(parameter(functions, "mirror", 0).1, Some(reference), "{text}");
    assert!(interface["types"].as_map().is_some_and(|types| types.contains_key("Point")), "{text}");
    worker.stop().await;
}

fn parameter(functions: &Map, function: &str, index: usize) -> (String, Option<Value>, bool) {
    let parameters = functions[function].as_map().expect("a map")["parameters"].as_array().expect("a list").to_vec();
    let parameter = parameters[index].as_map().expect("a map");
    let name = parameter["name"].as_str().expect("text").to_owned();
    (name, parameter.get("type").cloned(), parameter.get("optional") == Some(&Value::Bool(true)))
}

#[tokio::test]
async fn calls_run_concurrently_and_answers_arrive_in_any_order() {
    let worker = started(spawning()).await;
    let begun = Instant::now();
    let sleeps = (0..100).map(|_| {
        let worker = worker.clone();
        tokio::spawn(async move { call!(worker, sleep(200)).await as multifrost::Result<u64> })
    });
    for sleep in sleeps.collect::<Vec<_>>() {
        assert_eq!(sleep.await.expect("no panic").expect("an answer"), 200);
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "a hundred sleeps of 200 ms took {:?}", begun.elapsed());
    worker.stop().await;
}

#[tokio::test]
async fn a_bounded_worker_runs_one_call_at_a_time_and_refuses_too_many() {
    let worker = started(spawning().env("EDGE_CONCURRENCY", "1").env("EDGE_PENDING", "2")).await;
    let begun = Instant::now();
    let call_sleep = || async { call!(worker, sleep(300)).await as multifrost::Result<u64> };
    let (first, second, third) = tokio::join!(call_sleep(), call_sleep(), call_sleep());
    assert_eq!((first.expect("it ran"), second.expect("it waited")), (300, 300));
    assert!(begun.elapsed() >= Duration::from_millis(600), "they ran at once");
    assert_eq!(remote(third).code, "OVERLOADED");
    worker.stop().await;
}

#[tokio::test]
async fn a_call_times_out_and_the_next_one_works() {
    let worker = started(spawning()).await;
    let limit = CallOptions::new().timeout(Duration::from_millis(100));
    let begun = Instant::now();
    let outcome: Result<u64, _> = call!(worker, sleep(5000), limit).await;
    assert!(matches!(outcome, Err(Error::Timeout { .. })), "{outcome:?}");
    assert!(begun.elapsed() < Duration::from_secs(2));
    let sum: i64 = call!(worker, add(1, 2)).await.expect("a sum");
    assert_eq!(sum, 3);
    worker.stop().await;
}

#[tokio::test]
async fn values_above_the_limits_are_not_sent() {
    let worker = started(spawning().max_pending(1)).await;
    let mut deep = Value::Nil;
    for _ in 0..101 {
        deep = Value::Array(vec![deep]);
    }
    let error = worker.call::<Value>("echo", vec![deep], None).await.expect_err("too deep");
    assert_eq!(error.code(), "LIMIT_EXCEEDED");
    assert!(error.to_string().starts_with("args[0][0]"), "{error}");
    let large = Bytes(vec![0; 65 << 20]);
    let error = (call!(worker, echo(large)).await as multifrost::Result<Value>).expect_err("too large");
    assert_eq!(error.code(), "LIMIT_EXCEEDED");

    let waits = async { call!(worker, sleep(300)).await as multifrost::Result<u64> };
    let too_many = async { call!(worker, add(1, 2)).await as multifrost::Result<i64> };
    let (waited, refused) = tokio::join!(waits, too_many);
    assert_eq!(waited.expect("it came first"), 300);
    assert_eq!(refused.expect_err("one waits already").code(), "OVERLOADED");
    worker.stop().await;
}

#[tokio::test]
async fn calls_and_heartbeats_are_measured() {
    let worker = started(spawning().heartbeat_interval(0.02)).await;
    for _ in 0..3 {
        let _: i64 = call!(worker, add(1, 2)).await.expect("a sum");
    }
    let _: Result<i64, _> = call!(worker, parse("x")).await;
    support::until("heartbeats are answered", || worker.metrics().snapshot().heartbeat_rtt_ms.count >= 3).await;
    let snapshot = worker.metrics().snapshot();
    let requests = &snapshot.request_metrics;
    assert_eq!((requests.total, requests.success, requests.failed), (4, 3, 1));
    assert!(requests.min > 0.0 && requests.min <= requests.p50 && requests.p50 <= requests.p99, "{requests:?}");
    assert!((snapshot.error_rate - 0.25).abs() < 1e-9);
    assert!(worker.last_heartbeat_rtt().is_some() && worker.is_healthy());
    worker.stop().await;
}

#[tokio::test]
async fn a_worker_without_a_port_or_a_service_id_reports_it_and_exits() {
    for (port, says) in [(None, "has neither COMLINK_ZMQ_PORT"), (Some("80"), "is no port"), (Some("x"), "is no port")]
    {
        let env: Vec<(&str, &str)> = port.map(|port| ("COMLINK_ZMQ_PORT", port)).into_iter().collect();
        let mut worker = Guarded::edge_worker(&env);
        assert_eq!(worker.ended().await, Some(1));
        let stderr = std::io::read_to_string(worker.0.stderr.take().expect("it is piped")).expect("text");
        assert!(stderr.contains(says) || stderr.contains("which is no port"), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}
