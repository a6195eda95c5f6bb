//! The parent of the interop matrix: runs the cases that its argument names, and prints a line of JSON for each.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use multifrost::{Bytes, CallOptions, Error, Map, ParentWorker, ParentWorkerBuilder, RemoteError, Value, call};
use multifrost_interop::{checksum, describe, from_json};
use serde_json::{Value as Json, json};
use tokio::time::{sleep, timeout};

type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// The time limit of a case.
const CASE_TIMEOUT: Duration = Duration::from_secs(20);

/// The functions of each worker of the matrix.
const FUNCTIONS: [&str; 13] =
    ["add", "busy", "checksum", "describe", "echo", "exit", "fail", "größe", "nothing", "pid", "say", "sleep", "warn"];

/// The worker and its output.
struct TestBench {
    worker: ParentWorker,
    service: Option<String>,
    stdout: Lines,
    stderr: Lines,
}

type Lines = Arc<Mutex<Vec<String>>>;

/// Fails the case unless the condition holds.
macro_rules! expect {
    ($condition:expr, $($detail:tt)+) => {
        if !$condition {
            return Err(format!($($detail)+).into());
        }
    };
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let plan: Json = serde_json::from_str(&std::env::args().nth(1).ok_or("one argument is needed: the plan")?)?;
    let bench = set_up(&plan).await?;
    for case in plan["cases"].as_array().into_iter().flatten().filter_map(Json::as_str) {
        let outcome = timeout(CASE_TIMEOUT, run(case, &bench)).await.unwrap_or_else(|_| Err("it hung for 20 s".into()));
        match outcome {
            Ok(()) => println!("{}", json!({ "case": case, "ok": true })),
            Err(error) => println!("{}", json!({ "case": case, "ok": false, "detail": error.to_string() })),
        }
    }
    bench.worker.stop().await;
    Ok(())
}

async fn set_up(plan: &Json) -> Result<TestBench, Box<dyn std::error::Error + Send + Sync>> {
    let (stdout, stderr) = (Lines::default(), Lines::default());
    let (out, err) = (stdout.clone(), stderr.clone());
    let service = plan["service"].as_str().filter(|_| plan["mode"] == "connect").map(str::to_owned);
    let builder = match &service {
        Some(service) => ParentWorkerBuilder::connect(service, None),
        None => {
            let line: Vec<&str> = plan["worker"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
            let (program, args) = line.split_first().ok_or("the plan has neither a service nor a worker")?;
            // The plan names the executable, so the extension does not decide.
            match args.split_last() {
                None => ParentWorkerBuilder::spawn(program),
                Some((script, leading)) => {
                    ParentWorkerBuilder::spawn(script).executable(std::iter::once(program).chain(leading).copied())
                }
            }
        }
    };
    let worker = builder
        .heartbeat_interval(0.1)
        .heartbeat_timeout(2.0)
        .heartbeat_max_misses(5)
        .max_restart_attempts(1000)
        .stdout_handler(move |line| out.lock().expect("no panic").push(line.to_owned()))
        .stderr_handler(move |line| err.lock().expect("no panic").push(line.to_owned()))
        .build()
        .await?;
    worker.start().await?;
    Ok(TestBench { worker, service, stdout, stderr })
}

async fn run(case: &str, bench: &TestBench) -> Outcome {
    match case {
        "results" => results(&bench.worker).await,
        "errors" => errors(&bench.worker).await,
        "values" => values(&bench.worker).await,
        "binary" => binary(&bench.worker).await,
        "int64" => int64(&bench.worker).await,
        "unicode" => unicode(&bench.worker).await,
        "concurrent" => concurrent(&bench.worker).await,
        "timeout" => times_out(&bench.worker).await,
        "busy-heartbeats" => busy_heartbeats(&bench.worker).await,
        "output" => output(bench).await,
        "private" => refused(&bench.worker, "_secret", (), "_secret").await,
        "missing" => refused(&bench.worker, "ad", (1, 2), "not found").await,
        "list-functions" => list_functions(&bench.worker).await,
        "namespace" => namespace(&bench.worker).await,
        "shutdown" => shutdown(bench).await,
        "child-crash" => child_crash(bench).await,
        "parent-crash" => parent_crash(&bench.worker).await,
        "service-restart" => service_restart(&bench.worker).await,
        other => Err(format!("there is no case {other}").into()),
    }
}

async fn results(worker: &ParentWorker) -> Outcome {
    let sum: Value = call!(worker, add(2, 3)).await?;
    expect!(sum == Value::Int(5), "add(2, 3) returned {sum:?}, not 5");
    let sum: f64 = call!(worker, add(0.5, 0.25)).await?;
    expect!(sum == 0.75, "add(0.5, 0.25) returned {sum}, not 0.75");
    let nothing: Value = call!(worker, nothing()).await?;
    expect!(nothing.is_nil(), "nothing() returned {nothing:?}");
    Ok(())
}

async fn errors(worker: &ParentWorker) -> Outcome {
    let error = remote(call!(worker, fail("no luck")).await)?;
    expect!(error.message == "no luck", "fail says {:?}, not \"no luck\"", error.message);
    expect!(error.function == "fail", "the error is of {}, not of fail", error.function);
    let parts = (error.name.as_str(), error.remote_code.as_deref(), error.data.get("row"));
    expect!(parts == ("Failed", Some("LUCK"), Some(&Value::Int(7))), "fail has {parts:?}");
    let cause = error.cause.as_ref().map(|cause| cause.message.as_str());
    expect!(cause == Some("cause of no luck"), "the cause of fail is {cause:?}");
    works(worker).await
}

async fn values(worker: &ParentWorker) -> Outcome {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../values.json");
    let rows: Vec<Json> = serde_json::from_str(&fs::read_to_string(file)?)?;
    for row in rows {
        let value = from_json(&row["value"]);
        let back = row.get("back").map_or_else(|| value.clone(), from_json);
        comes_back(worker, &row["name"].to_string(), value, back, row["described"].as_str().unwrap_or_default())
            .await?;
    }
    Ok(())
}

async fn comes_back(worker: &ParentWorker, name: &str, value: Value, back: Value, described: &str) -> Outcome {
    let seen: String =
        worker.call("describe", vec![value.clone()], None).await.map_err(|error| format!("{name}: {error}"))?;
    expect!(seen == described, "{name}: the worker saw {seen}, not {described}");
    let echoed: Value = worker.call("echo", vec![value], None).await.map_err(|error| format!("{name}: {error}"))?;
    expect!(describe(&echoed) == describe(&back), "{name}: {} came back, not {}", describe(&echoed), describe(&back));
    Ok(())
}

async fn binary(worker: &ParentWorker) -> Outcome {
    let data: Vec<u8> = (0..1024 * 1024_u32).map(|i| (31 * i + 7) as u8).collect();
    let back: Bytes = call!(worker, echo(Bytes(data.clone()))).await?;
    expect!(back.0 == data, "other bytes came back");
    let sum: String = call!(worker, checksum(Bytes(data.clone()))).await?;
    expect!(sum == checksum(&data), "the checksum is {sum}, not {}", checksum(&data));
    Ok(())
}

async fn int64(worker: &ParentWorker) -> Outcome {
    const SAFE: i64 = 1 << 53;
    let signed = [i64::MIN, i64::MIN + 1, -SAFE - 1, -SAFE, -SAFE + 1, SAFE - 1, SAFE, SAFE + 1, i64::MAX];
    let unsigned = [1 << 63, u64::MAX];
    for value in signed.into_iter().map(Value::from).chain(unsigned.into_iter().map(Value::from)) {
        comes_back(worker, "int64", value.clone(), value.clone(), &describe(&value)).await?;
    }
    Ok(())
}

async fn unicode(worker: &ParentWorker) -> Outcome {
    // Seven code points: the astronaut is three, with a joiner in the middle.
    let size: u64 = call!(worker, größe("日本語 👩\u{200d}🚀")).await?;
    expect!(size == 7, "größe returned {size}, not 7");
    let map: Map = ["ключ", "鍵", "🔑"].map(|key| (key.to_owned(), Value::from(key))).into();
    let back: Map = call!(worker, echo(&map)).await?;
    expect!(back == map, "{back:?} came back");
    Ok(())
}

async fn concurrent(worker: &ParentWorker) -> Outcome {
    let order = Mutex::new(Vec::new());
    let sleeps = |ms: u64| {
        let order = &order;
        async move {
            let back: u64 = call!(worker, sleep(ms)).await?;
            order.lock().expect("no panic").push(back);
            Ok::<_, Error>(())
        }
    };
    tokio::try_join!(sleeps(600), sleeps(300), sleeps(0))?;
    let order = order.into_inner()?;
    expect!(order == [0, 300, 600], "they came back in the order {order:?}");

    let mut echoes = tokio::task::JoinSet::new();
    for i in 0..50_i64 {
        let worker = worker.clone();
        echoes.spawn(async move { (i, call!(worker, echo(i)).await as Result<i64, _>) });
    }
    for (i, back) in echoes.join_all().await {
        let back = back?;
        expect!(back == i, "echo({i}) returned {back}");
    }
    Ok(())
}

async fn times_out(worker: &ParentWorker) -> Outcome {
    let limit = CallOptions::new().timeout(Duration::from_millis(150));
    let outcome: Result<Value, _> = call!(worker, sleep(3000), limit).await;
    expect!(matches!(outcome, Err(Error::Timeout { .. })), "sleep(3000) returned {outcome:?}");
    let began = Instant::now();
    works(worker).await?;
    expect!(began.elapsed() < Duration::from_secs(1), "the next call took {:?}", began.elapsed());
    Ok(())
}

async fn busy_heartbeats(worker: &ParentWorker) -> Outcome {
    let before = worker.metrics().snapshot();
    let _: Value = call!(worker, busy(1500)).await?;
    let after = worker.metrics().snapshot();
    let answered = after.heartbeat_rtt_ms.count - before.heartbeat_rtt_ms.count;
    let missed = after.heartbeat_misses - before.heartbeat_misses;
    expect!(answered >= 5 && missed == 0, "{answered} heartbeats were answered and {missed} missed");
    Ok(())
}

async fn output(bench: &TestBench) -> Outcome {
    let _: Value = call!(bench.worker, say("grüße 1")).await?;
    let _: Value = call!(bench.worker, warn("warnung 1")).await?;
    for (lines, line) in [(&bench.stdout, "grüße 1"), (&bench.stderr, "warnung 1")] {
        let has_come = || lines.lock().is_ok_and(|lines| lines.iter().any(|heard| heard == line));
        let heard = timeout(Duration::from_secs(5), async {
            while !has_come() {
                sleep(Duration::from_millis(10)).await;
            }
        });
        expect!(heard.await.is_ok(), "{line:?} did not come, only {:?}", lines.lock());
    }
    Ok(())
}

async fn refused(worker: &ParentWorker, function: &str, args: impl multifrost::IntoArgs, with: &str) -> Outcome {
    let error = remote(worker.call(function, args, None).await)?;
    expect!(error.message.contains(with), "the refusal says {:?}, without {with:?}", error.message);
    Ok(())
}

async fn list_functions(worker: &ParentWorker) -> Outcome {
    let mut names = worker.list_functions().await?;
    names.sort();
    expect!(names == FUNCTIONS, "they are {names:?}");
    Ok(())
}

async fn namespace(worker: &ParentWorker) -> Outcome {
    let elsewhere = CallOptions::new().namespace("elsewhere");
    let error = remote(call!(worker, add(1, 2), elsewhere).await)?;
    expect!(error.message.contains("default"), "the refusal says {:?}, without \"default\"", error.message);
    let sum: i64 = call!(worker, add(1, 2), CallOptions::new().namespace("default")).await?;
    expect!(sum == 3, "add(1, 2) returned {sum}");
    Ok(())
}

async fn shutdown(bench: &TestBench) -> Outcome {
    let pid: u32 = call!(bench.worker, pid()).await?;
    let ending = async {
        // The call below is made first, so it is in flight when this one is answered.
        works(&bench.worker).await?;
        match &bench.service {
            None => bench.worker.stop().await,
            Some(_) => terminate(pid).await?,
        }
        Outcome::Ok(())
    };
    let (answer, ended): (Result<u64, _>, _) = tokio::join!(call!(bench.worker, sleep(300)), ending);
    ended?;
    expect!(matches!(answer, Ok(300)), "the call in flight returned {answer:?}");
    until(|| !is_running(pid), &format!("process {pid} still runs")).await?;
    match &bench.service {
        None => Ok(()),
        Some(service) => until(|| !is_registered(service), "its entry is still in the registry").await,
    }
}

async fn child_crash(bench: &TestBench) -> Outcome {
    let began = Instant::now();
    let (sleep, exit): (Result<u64, _>, Result<Value, _>) =
        tokio::join!(call!(bench.worker, sleep(30000)), call!(bench.worker, exit(3)));
    expect!(began.elapsed() < Duration::from_secs(5), "they took {:?} to fail", began.elapsed());
    expect!(exit.is_err() && sleep.is_err(), "exit(3) returned {exit:?}, and sleep {sleep:?}");
    if bench.service.is_none() {
        let code = match &sleep {
            Err(Error::WorkerExited(end)) => end.exit_code,
            _ => None,
        };
        expect!(code == Some(3), "the error does not have the exit code 3: {sleep:?}");
    }
    Ok(())
}

async fn parent_crash(worker: &ParentWorker) -> Outcome {
    let pid: u32 = call!(worker, pid()).await?;
    println!("{}", json!({ "case": "parent-crash", "ok": true, "pid": pid }));
    let _: Value = call!(worker, sleep(60000)).await?;
    Err("this parent was not killed".into())
}

/// Calls without a pause while the service is ended and started again.
async fn service_restart(worker: &ParentWorker) -> Outcome {
    let is_over = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (worker, is_over) = (worker.clone(), is_over.clone());
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    works(&worker).await?;
                }
                Outcome::Ok(())
            })
        })
        .collect();
    let first: u32 = call!(worker, pid()).await?;
    println!("{}", json!({ "case": "service-restart", "ok": true, "pid": first }));
    let mut pid = first;
    while pid == first {
        pid = call!(worker, pid()).await?;
    }
    is_over.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await??;
    }
    Ok(())
}

async fn works(worker: &ParentWorker) -> Outcome {
    let sum: i64 = call!(worker, add(1, 2)).await?;
    expect!(sum == 3, "add(1, 2) returned {sum}");
    Ok(())
}

fn remote(outcome: Result<Value, Error>) -> Result<RemoteError, Box<dyn std::error::Error + Send + Sync>> {
    match outcome {
        Err(Error::Remote(error)) => Ok(*error),
        other => Err(format!("expected a remote error, got {other:?}").into()),
    }
}

async fn until(condition: impl Fn() -> bool, otherwise: &str) -> Outcome {
    let met = timeout(Duration::from_secs(5), async {
        while !condition() {
            sleep(Duration::from_millis(20)).await;
        }
    });
    met.await.map_err(|_| otherwise.into())
}

async fn terminate(pid: u32) -> Outcome {
    let status = tokio::process::Command::new("kill").arg(pid.to_string()).status().await?;
    expect!(status.success(), "process {pid} could not be signalled");
    Ok(())
}

/// Whether a process runs. A zombie does not.
fn is_running(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

fn is_registered(service: &str) -> bool {
    let file = std::env::home_dir().unwrap_or_default().join(".multifrost/services.json");
    let services: Json =
        fs::read_to_string(file).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    services.get(service).is_some()
}
