//! Services and the registry, in a separate directory for each test.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use multifrost::{Error, ParentWorker, ParentWorkerBuilder, ServiceRegistry, call};
use support::{Guarded, Lines, SteadyCalls, signal, until};

/// A home directory that is removed at the end.
struct Home(PathBuf);

impl Home {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("multifrost-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&path).expect("a new directory");
        Self(path)
    }

    fn directory(&self) -> PathBuf {
        self.0.join(".multifrost")
    }

    fn file(&self) -> PathBuf {
        self.directory().join("services.json")
    }

    fn registry(&self) -> ServiceRegistry {
        ServiceRegistry::at(self.directory())
    }

    fn services(&self) -> serde_json::Value {
        let text = fs::read_to_string(self.file()).unwrap_or_else(|_| "{}".to_owned());
        serde_json::from_str(&text).expect("it is JSON")
    }

    fn write(&self, text: &str) {
        fs::create_dir_all(self.directory()).expect("a directory");
        fs::write(self.file(), text).expect("written");
    }

    async fn serve(&self, service_id: &str) -> Guarded {
        let home = self.0.to_str().expect("text").to_owned();
        let service = Guarded::edge_worker(&[("EDGE_SERVICE", service_id), ("HOME", &home)]);
        let pid = service.0.id();
        until("it is registered", || self.services()[service_id]["pid"] == pid).await;
        service
    }

    async fn connect(&self, service_id: &str) -> ParentWorker {
        let worker = self.builder(service_id).build().await.expect("it is found");
        worker.start().await.expect("it answers");
        worker
    }

    fn builder(&self, service_id: &str) -> ParentWorkerBuilder {
        ParentWorkerBuilder::connect(service_id, None)
            .registry(self.registry())
            .default_timeout(Duration::from_secs(10))
            .logger(multifrost::StructuredLogger::new())
            .stdout_handler(|_| {})
            .stderr_handler(|_| {})
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The fields of an entry that identify a process that runs.
fn identity(pid: u32) -> String {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let started = stat[stat.rfind(')').expect("a name") + 2..].split(' ').nth(19).expect("a start").to_owned();
    format!(r#""pid": {pid}, "process_started": "{started}", "boot": "{}""#, boot())
}

fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("a boot id").trim().to_owned()
}

fn own() -> u32 {
    std::process::id()
}

fn parent() -> u32 {
    std::os::unix::process::parent_id()
}

/// The id of a process that has ended.
fn dead_pid() -> u32 {
    let mut process = std::process::Command::new("true").spawn().expect("it starts");
    process.wait().expect("it ends");
    process.id()
}

fn code(outcome: Result<(), Error>) -> &'static str {
    outcome.expect_err("refused").code()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[tokio::test]
async fn a_service_is_found_and_called_and_unregisters_at_its_end() {
    let home = Home::new();
    let mut service = home.serve("edge").await;
    let worker = home.connect("edge").await;
    let other = home.connect("edge").await;
    let sum: i64 = call!(worker, add(1, 2)).await.expect("a sum");
    let more: i64 = call!(other, add(3, 4)).await.expect("a sum");
    assert_eq!((sum, more, worker.pid()), (3, 7, Some(service.0.id())));
    assert_eq!((mode(&home.directory()), mode(&home.file())), (0o700, 0o600));

    other.stop().await;
    let caller = worker.clone();
    let sleeping = tokio::spawn(async move { call!(caller, sleep(300)).await as multifrost::Result<u64> });
    let _: i64 = call!(worker, add(1, 2)).await.expect("made after the sleep, so that one is in flight");
    signal(service.0.id(), "TERM");
    assert_eq!(service.ended().await, Some(0));
    assert_eq!(sleeping.await.expect("no panic").expect("it is answered"), 300);
    assert!(home.services().get("edge").is_none());
    worker.stop().await;
}

#[tokio::test]
async fn a_stopping_service_answers_while_it_waits_for_the_registry() {
    let home = Home::new();
    let mut service = home.serve("edge").await;
    let worker = home.connect("edge").await;
    let caller = worker.clone();
    let sleeping = tokio::spawn(async move { call!(caller, sleep(300)).await as multifrost::Result<u64> });
    let _: i64 = call!(worker, add(1, 2)).await.expect("made after the sleep, so that one is in flight");
    let lock = home.directory().join("registry.lock");
    fs::write(&lock, std::process::id().to_string()).expect("held");
    signal(service.0.id(), "TERM");
    let answer = tokio::time::timeout(Duration::from_secs(5), sleeping).await.expect("while the lock is held");
    assert_eq!(answer.expect("no panic").expect("it is answered"), 300);
    assert!(home.services().get("edge").is_some());
    fs::remove_file(&lock).expect("released");
    assert_eq!(service.ended().await, Some(0));
    assert!(home.services().get("edge").is_none());
    worker.stop().await;
}

#[tokio::test]
async fn a_second_signal_ends_a_service_at_once() {
    let home = Home::new();
    let mut service = home.serve("edge").await;
    let worker = home.connect("edge").await;
    let caller = worker.clone();
    let sleeping = tokio::spawn(async move { call!(caller, sleep(30000)).await as multifrost::Result<u64> });
    let _: i64 = call!(worker, add(1, 2)).await.expect("a sum");
    signal(service.0.id(), "INT");
    until("it has left the registry", || home.services().get("edge").is_none()).await;
    signal(service.0.id(), "INT");
    assert_eq!(service.ended().await, Some(1));
    assert_eq!(sleeping.await.expect("no panic").expect_err("it is gone").code(), "CONNECTION_LOST");
    worker.stop().await;
}

#[tokio::test]
async fn output_of_a_service_goes_to_every_parent_and_to_its_stdout() {
    let home = Home::new();
    let mut service = home.serve("edge").await;
    let received = [Lines::default(), Lines::default()];
    let mut parents = Vec::new();
    for lines in &received {
        let worker = home.builder("edge").stdout_handler(lines.handler()).build().await.expect("found");
        worker.start().await.expect("it answers");
        parents.push(worker);
    }
    let _: () = call!(parents[0], say("hello")).await.expect("printed");
    until("both have received it", || received.iter().all(|lines| lines.all() == ["hello"])).await;
    for parent in parents {
        parent.stop().await;
    }
    signal(service.0.id(), "TERM");
    assert_eq!(service.ended().await, Some(0));
    let own = std::io::read_to_string(service.0.stdout.take().expect("it is piped")).expect("text");
    assert_eq!(own, "hello\n");
}

#[tokio::test]
async fn a_parent_reconnects_to_a_service_on_another_port() {
    let home = Home::new();
    let mut service = home.serve("edge").await;
    let worker = home.connect("edge").await;
    let port = home.services()["edge"]["port"].clone();
    signal(service.0.id(), "KILL");
    service.ended().await;
    until("the loss is seen", || worker.state() == multifrost::WorkerState::Restarting).await;
    let caller = worker.clone();
    let waiting = tokio::spawn(async move { call!(caller, add(1, 2)).await as multifrost::Result<i64> });
    let _second = home.serve("edge").await;
    assert_ne!(home.services()["edge"]["port"], port);
    assert_eq!(waiting.await.expect("no panic").expect("the new process answers"), 3);
    worker.stop().await;
}

/// A service that is ended in order refuses calls while it ends. They go to the one that follows.
#[tokio::test]
async fn a_graceful_restart_of_a_service_costs_its_callers_nothing() {
    let home = Home::new();
    let mut service = home.serve("edge").await;
    let worker = home.builder("edge").max_restart_attempts(1).build().await.expect("it is found");
    worker.start().await.expect("it answers");
    let caller = worker.clone();
    let slow = tokio::spawn(async move { call!(caller, sleep(200)).await as multifrost::Result<u64> });
    let calls = SteadyCalls::begin(&worker);
    for _ in 0..3 {
        signal(service.0.id(), "TERM");
        assert_eq!(service.ended().await, Some(0));
        service = home.serve("edge").await;
        let pid: u32 = call!(worker, pid()).await.expect("the next one answers");
        assert_eq!(pid, service.0.id());
    }
    calls.end().await;
    assert_eq!(slow.await.expect("no panic").expect("it was in flight"), 200);
    assert!(worker.metrics().snapshot().circuit_breaker_events.is_empty());
    worker.stop().await;
}

#[tokio::test]
async fn calls_for_a_service_that_does_not_come_back_end_and_count_for_nothing() {
    let home = Home::new();
    let mut service = home.serve("edge").await;
    let parent = ParentWorkerBuilder::connect("edge", None).registry(home.registry());
    let parent = parent.max_restart_attempts(2).start_timeout(Duration::from_secs(1));
    let worker = parent.logger(multifrost::StructuredLogger::new()).build().await.expect("it is found");
    worker.start().await.expect("it answers");
    signal(service.0.id(), "KILL");
    service.ended().await;
    until("the loss is seen", || worker.state() == multifrost::WorkerState::Restarting).await;
    let error = call!(worker, add(1, 2)).await as multifrost::Result<i64>;
    assert_eq!(error.expect_err("it waits no longer").code(), "UNREACHABLE");
    for _ in 0..3 {
        let options = multifrost::CallOptions::new().timeout(Duration::from_millis(1));
        let late = worker.call::<i64>("add", (1, 2), Some(options)).await.expect_err("it is late");
        assert!(matches!(late, Error::Timeout { sent: false, .. }), "{late:?}");
    }
    assert_eq!(worker.circuit_state(), multifrost::CircuitState::Closed);
    worker.stop().await;
}

#[tokio::test]
async fn a_missing_or_dead_service_is_not_found() {
    let home = Home::new();
    home.write(&format!(r#"{{"gone": {{"port": 5555, "pid": {}}}, "odd": 7}}"#, dead_pid()));
    for (name, says) in [("nothing", "registered there: 'gone', 'odd'"), ("gone", "which is not running")] {
        let found = home.registry().discover(name, Duration::from_millis(50)).await;
        let error = found.expect_err("not found");
        assert_eq!(error.code(), "SERVICE_NOT_FOUND");
        assert!(error.to_string().contains(says), "{error}");
    }
    // Another program listens on the registered port.
    let (port, listener) = silent_listener();
    home.write(&format!(r#"{{"liar": {{"port": {port}, {}}}}}"#, identity(own())));
    let worker = home.builder("liar").heartbeat_timeout(0.1).build().await.expect("it is registered");
    assert_eq!(worker.start().await.expect_err("there is no answer").code(), "UNREACHABLE");
    drop(listener);
}

fn silent_listener() -> (u16, std::net::TcpListener) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    (listener.local_addr().expect("an address").port(), listener)
}

#[test]
fn a_service_id_is_taken_while_its_process_runs() {
    let home = Home::new();
    let registry = home.registry();
    registry.register("mine", 5000).expect("it is free");
    assert_eq!(code(registry.register("mine", 5001)), "SERVICE_EXISTS");
    registry.unregister("mine").expect("it is ours");
    registry.register("mine", 5001).expect("it is free again");

    home.write(&format!(r#"{{"dead": {{"port": 1, "pid": {}}}, "theirs": {{"port": 1, "pid": 1}}}}"#, dead_pid()));
    registry.register("dead", 5002).expect("its process is dead");
    assert_eq!(home.services()["dead"]["port"], 5002);
    assert!(home.services()["dead"]["started"].as_str().is_some_and(|time| time.ends_with('Z')));
    registry.unregister("theirs").expect("nothing to do");
    assert_eq!(home.services()["theirs"]["pid"], 1);
}

#[tokio::test]
async fn a_service_starts_again_where_its_pid_came_back() {
    let home = Home::new();
    let mut ended = std::process::Command::new("true").spawn().expect("it starts");
    let stat = format!("/proc/{}/stat", ended.id());
    until("it is a zombie", || fs::read_to_string(&stat).expect("it is not asked yet").contains(") Z ")).await;
    let (own, parent, boot) = (own(), parent(), boot());
    let stale = [
        ("older", format!(r#""port": 45678, "pid": {own}, "started": "2020-01-01T00:00:00.000Z""#)),
        ("process", format!(r#""port": 1, "pid": {own}, "process_started": "1", "boot": "{boot}""#)),
        ("boot", format!(r#""port": 1, {}"#, identity(own).replace(&boot, "00000000-0000-4000-8000-000000000000"))),
        ("wrong", format!(r#""port": 1, "pid": {own}, "process_started": 7, "boot": null"#)),
        ("zombie", format!(r#""port": 1, "pid": {}"#, ended.id())),
        ("silent", format!(r#""port": 1, "pid": {parent}"#)),
    ];
    let entries: Vec<_> = stale.iter().map(|(id, fields)| format!(r#""{id}": {{{fields}}}"#)).collect();
    home.write(&format!("{{{}}}", entries.join(",")));
    let registry = home.registry();
    for (id, _) in &stale {
        let missing = registry.discover(id, Duration::ZERO).await.expect_err("it does not run");
        assert_eq!(missing.code(), "SERVICE_NOT_FOUND", "{id}");
        registry.register(id, 5000).expect("its entry is stale");
        assert_eq!(code(registry.register(id, 5001)), "SERVICE_EXISTS", "{id}");
        assert_eq!(registry.discover(id, Duration::ZERO).await.expect("it runs").port, 5000, "{id}");
    }
    ended.wait().expect("it has ended");
}

#[tokio::test]
async fn an_older_entry_is_live_if_its_port_answers() {
    let home = Home::new();
    let service = home.serve("edge").await;
    let (port, pid) = (home.services()["edge"]["port"].clone(), service.0.id());
    home.write(&format!(r#"{{"edge": {{"port": {port}, "pid": {pid}}}}}"#));
    assert_eq!(home.registry().discover("edge", Duration::ZERO).await.expect("it answers").pid, pid);
    let register = |registry: ServiceRegistry| tokio::task::spawn_blocking(move || registry.register("edge", 5000));
    assert_eq!(code(register(home.registry()).await.expect("no panic")), "SERVICE_EXISTS");
    signal(pid, "STOP");
    register(home.registry()).await.expect("no panic").expect("it does not answer");
    signal(pid, "CONT");
}

#[tokio::test]
async fn what_is_no_regular_file_is_refused_at_once() {
    for kind in ["a FIFO", "a device", "a directory", "a socket"] {
        let home = Home::new();
        fs::create_dir_all(home.directory()).expect("a directory");
        let _socket = match kind {
            "a FIFO" => {
                let made = std::process::Command::new("mkfifo").arg(home.file()).status().expect("it runs");
                assert!(made.success());
                None
            }
            "a device" => {
                std::os::unix::fs::symlink("/dev/zero", home.file()).expect("made");
                None
            }
            "a directory" => {
                fs::create_dir(home.file()).expect("made");
                None
            }
            _ => Some(std::os::unix::net::UnixListener::bind(home.file()).expect("made")),
        };
        let found = home.registry().discover("math", Duration::from_secs(60)).await.map(drop);
        for refused in [found, home.registry().register("math", 5000)] {
            let error = refused.expect_err("refused");
            assert_eq!(error.code(), "REGISTRY_UNAVAILABLE");
            assert!(error.to_string().contains(&format!("is {kind}, not a regular file; remove it")), "{error}");
        }
    }
}

#[tokio::test]
async fn a_directory_that_others_can_change_is_refused() {
    let home = Home::new();
    home.registry().register("math", 5000).expect("written");
    let both = async || {
        let found = home.registry().discover("math", Duration::from_secs(60)).await.map(drop);
        [found, home.registry().register("other", 5000)].map(|refused| refused.expect_err("refused").to_string())
    };
    for mode in [0o777, 0o1777, 0o702] {
        fs::set_permissions(home.directory(), PermissionsExt::from_mode(mode)).expect("its own directory");
        for message in both().await {
            assert!(message.contains(&format!("mode {mode:04o}")), "{message}");
            assert!(message.ends_with(&format!("chmod 700 '{}'", home.directory().display())), "{message}");
        }
    }
    fs::set_permissions(home.directory(), PermissionsExt::from_mode(0o700)).expect("its own directory");
    // Only root can give a directory away.
    if std::os::unix::fs::chown(home.directory(), Some(4711), None).is_ok() {
        for message in both().await {
            assert!(message.ends_with(&format!("chown -R 0 '{}'", home.directory().display())), "{message}");
        }
    }
}

#[tokio::test]
async fn a_look_at_a_file_that_is_being_written_is_repeated() {
    let home = Home::new();
    let content = format!(r#"{{"math": {{"port": 5000, {}}}}}"#, identity(own()));
    home.write("");
    let registry = home.registry();
    // Both run on this thread: the second one when the first one pauses after its look.
    let (found, ()) = tokio::join!(registry.discover("math", Duration::ZERO), async { home.write(&content) });
    assert_eq!(found.expect("it is written now").port, 5000);
}

#[test]
fn locks_dated_in_the_future_are_judged_by_their_holder() {
    let later = SystemTime::now() + Duration::from_secs(3600);
    for holder in [dead_pid(), own()] {
        let home = Home::new();
        fs::create_dir_all(home.directory()).expect("a directory");
        for name in ["registry.lock", "services.lock"] {
            let lock = home.directory().join(name);
            fs::write(&lock, holder.to_string()).expect("written");
            fs::File::open(&lock).expect("it is there").set_modified(later).expect("its own file");
        }
        home.registry().register("mine", 5000).expect("the locks are broken");
    }
}

#[test]
fn a_fifo_in_the_place_of_a_lock_is_a_lock() {
    let home = Home::new();
    fs::create_dir_all(home.directory()).expect("a directory");
    for name in ["services.json.lock.holder", "registry.lock", "services.lock"] {
        let path = home.directory().join(name);
        let made = std::process::Command::new("mkfifo").arg(&path).status().expect("it runs");
        let aged = std::process::Command::new("touch").args(["-d", "@0"]).arg(&path).status().expect("it runs");
        assert!(made.success() && aged.success());
    }
    home.registry().register("mine", 5000).expect("the locks are broken");
}

#[test]
fn entries_of_other_implementations_do_not_change() {
    let home = Home::new();
    let odd = r#"{ "port": 1, "pid": 1.0, "start_time": "then", "exact": 12345678901234567890123 }"#;
    home.write(&format!(r#"{{"odd": {odd}, "number": 7}}"#));
    home.registry().register("mine", 5000).expect("written");
    let text = fs::read_to_string(home.file()).expect("readable");
    assert!(text.contains(odd) && text.contains(r#""number": 7"#), "{text}");
}

#[test]
fn a_file_that_is_no_registry_is_moved_aside() {
    for text in ["", "[]", "{\"half\": "] {
        let home = Home::new();
        home.write(text);
        home.registry().register("mine", 5000).expect("written");
        assert_eq!(home.services()["mine"]["port"], 5000);
        let names =
            fs::read_dir(home.directory()).expect("a directory").map(|entry| entry.expect("an entry").file_name());
        let aside: Vec<_> = names.filter(|name| name.to_string_lossy().starts_with("services.json.corrupt-")).collect();
        assert_eq!(aside.len(), 1);
        assert_eq!(fs::read_to_string(home.directory().join(&aside[0])).expect("readable"), text);
    }
}

#[test]
fn locks_of_ended_processes_and_old_locks_are_broken() {
    let home = Home::new();
    fs::create_dir_all(home.directory()).expect("a directory");
    for name in ["registry.lock", "services.lock"] {
        fs::write(home.directory().join(name), dead_pid().to_string()).expect("written");
        home.registry().register(name, 5000).expect("the lock is broken");
        let lock = home.directory().join(name);
        fs::write(&lock, std::process::id().to_string()).expect("written");
        age(&lock);
        home.registry().unregister(name).expect("the lock is broken");
    }
    let lock = home.directory().join("services.json.lock");
    fs::create_dir(&lock).expect("made");
    age(&lock);
    home.registry().register("mine", 5000).expect("the lock is broken");
    let left: Vec<_> = fs::read_dir(home.directory())
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(left, ["services.json"], "nothing is left behind");
}

fn age(path: &Path) {
    let before = SystemTime::now() - Duration::from_secs(12);
    fs::File::open(path).expect("it is there").set_modified(before).expect("its own file");
}

#[test]
fn a_writer_waits_for_each_of_the_three_locks_and_names_the_one_that_is_not_released() {
    std::thread::scope(|scope| {
        for name in ["services.json.lock", "registry.lock", "services.lock"] {
            scope.spawn(move || is_blocked_by(name));
        }
    });
}

/// Holds a lock by renewing it until the writer gives up, then releases it.
fn is_blocked_by(name: &str) {
    let home = Home::new();
    fs::create_dir_all(home.directory()).expect("a directory");
    let lock = home.directory().join(name);
    if name == "services.json.lock" {
        fs::create_dir(&lock).expect("made");
    } else {
        fs::write(&lock, parent().to_string()).expect("written");
    }
    let registry = home.registry();
    let writer = std::thread::spawn(move || registry.register("mine", 5000));
    while !writer.is_finished() {
        fs::File::open(&lock).expect("it is there").set_modified(SystemTime::now()).expect("renewed");
        std::thread::sleep(Duration::from_millis(50));
    }
    let error = writer.join().expect("no panic").expect_err("the lock is held");
    assert_eq!(error.code(), "LOCK_TIMEOUT");
    assert!(error.to_string().contains(name), "{error}");
    assert!(home.services().get("mine").is_none(), "it wrote although {name} was held");
    if lock.is_dir() { fs::remove_dir(&lock) } else { fs::remove_file(&lock) }.expect("released");
    home.registry().register("mine", 5000).expect("the lock is free");
    assert_eq!(home.services()["mine"]["port"], 5000);
}

#[test]
fn many_writers_lose_no_entry() {
    let home = Home::new();
    let writers: Vec<_> = (0..16)
        .map(|index| {
            let registry = home.registry();
            std::thread::spawn(move || registry.register(&format!("service-{index}"), 5000 + index))
        })
        .collect();
    for writer in writers {
        writer.join().expect("no panic").expect("registered");
    }
    assert_eq!(home.services().as_object().expect("a map").len(), 16);
}
