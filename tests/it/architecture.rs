//! The rings and rooms of `src/lib.rs` hold: what is pure names nothing that is not, and imports lead one way.

mod graph;

use std::{collections::BTreeMap, path::Path, sync::LazyLock};

use graph::{Graph, TypeNames, sources};

/// All rooms, the lowest first: each imports only from those before it. Up to the shell they are pure.
const ROOMS: [&str; 29] = [
    "text",
    "words",
    "api",
    "denial",
    "result",
    "limits",
    "wire",
    "topology",
    "pods",
    "workflow",
    "plan",
    "intake",
    // The shell.
    "backoff",
    "newest",
    "clock",
    "task",
    "broker",
    "telemetry",
    "leader",
    "http",
    "courier",
    "controller",
    "gateway",
    "cli",
    "config",
    "operator",
    "command",
    "lib",
    "main",
];
const FIRST_OF_SHELL: &str = "backoff";
/// The folders of a room, the lowest first: each imports only from itself and those before it.
const FOLDERS: [(&str, &[&str]); 2] = [
    ("plan", &["facts", "status", "steps", "phases"]),
    ("controller", &["error", "state", "runner", "context", "execute", "secret", "job", "workflow", "handle"]),
];

/// What stands for a broker in tests: its names are RabbitMQ's, and it is a process of its own.
const FOR_TESTS: [&str; 2] = ["broker/transport/simulated", "broker/fake.rs"];

/// What no line of the pure rooms may name.
const FORBIDDEN: [&str; 16] = [
    "async ",
    ".await",
    "tokio",
    "std::env",
    "std::fs",
    "std::net",
    "std::time",
    "Timestamp::now",
    "Zoned::now",
    "kube::Client",
    "kube::Api",
    "lapin",
    "reqwest",
    "tracing",
    "fastrand",
    "getrandom",
];

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))
}

/// Read once: that takes longer than each look at it.
static GRAPH: LazyLock<Graph> = LazyLock::new(|| Graph::of(root()));

/// The code of a file without its tests.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default()
}

/// Whether a file is one of these places, or in one.
fn stands_in(file: &str, places: &[&str]) -> bool {
    places.iter().any(|place| Path::new(file).starts_with(root().join(place)))
}

fn place_of(room: &str) -> usize {
    let place = ROOMS.iter().position(|known| *known == room);
    place.unwrap_or_else(|| panic!("{room} has no place among the rooms"))
}

#[test]
fn the_core_has_no_clock_no_client_and_no_io() {
    let pure = &ROOMS[..place_of(FIRST_OF_SHELL)];
    let is_pure = |file: &str| {
        let path = Path::new(file).strip_prefix(root()).unwrap();
        let room = path.iter().next().unwrap().to_str().unwrap();
        pure.contains(&room.trim_end_matches(".rs"))
    };
    for (file, text) in sources(root()).into_iter().filter(|(file, _)| is_pure(file)) {
        for (number, line) in code(&text).lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            let named = FORBIDDEN.iter().find(|word| line.contains(**word));
            assert_eq!(named, None, "{file}:{} is in the core: {line}", number + 1);
        }
    }
}

#[test]
fn imports_lead_from_a_room_to_those_below_it() {
    for (from, to) in GRAPH.edges() {
        let rooms = [from, to].map(|module| module.first().map_or("lib", String::as_str));
        let [above, below] = rooms.map(place_of);
        assert!(above >= below, "{} imports {}, which stands above it", from.join("/"), to.join("/"));
    }
}

#[test]
fn imports_lead_from_a_folder_to_those_below_it() {
    for (room, folders) in FOLDERS {
        let place = |module: &[String]| {
            let is_in = module.first().is_some_and(|first| first == room);
            let folder = module.get(1).filter(|_| is_in)?;
            folders.iter().position(|known| known == folder)
        };
        for (from, to) in GRAPH.edges() {
            let Some((above, below)) = place(from).zip(place(to)) else { continue };
            assert!(above >= below, "{} imports {}, which stands above it", from.join("/"), to.join("/"));
        }
    }
}

#[test]
fn no_imports_lead_in_a_circle() {
    assert!(GRAPH.edges().count() > 500, "the source is not read");
    assert_eq!(GRAPH.circle(), None);
}

/// Making jobs is all that the gateway may do with them: no pass, no memory of one.
#[test]
fn the_gateway_has_a_handle_on_jobs_and_no_more() {
    for (from, to) in GRAPH.edges() {
        let reaches = from[0] == "gateway" && to[0] == "controller";
        assert!(
            !reaches || to.get(1).is_some_and(|folder| folder == "handle"),
            "{} imports {}",
            from.join("/"),
            to.join("/")
        );
    }
}

/// What writes to Kubernetes is called so.
#[test]
fn the_controller_writes_where_it_says_so() {
    for (file, text) in sources(&root().join("controller")).into_iter().filter(|(file, _)| !file.contains("execute")) {
        for write in [".create(", ".patch(", ".patch_status(", ".delete("] {
            let found = code(&text).lines().find(|line| line.contains(write));
            assert_eq!(found, None, "{file} writes");
        }
    }
}

/// What carries AMQP can be another: all else has words of its own for it. In quotes it is the name of its log lines.
#[test]
fn the_broker_is_spoken_to_in_one_folder() {
    let broker = root().join("broker");
    let (carrier, fake) = (broker.join("transport"), broker.join("fake.rs"));
    let (inside, outside): (Vec<_>, Vec<_>) =
        sources(root()).into_iter().partition(|(file, _)| Path::new(file).starts_with(&carrier));
    let names = |text: &str| {
        let mut lines = code(text).lines().filter(|line| !line.trim_start().starts_with("//"));
        lines.find(|line| line.replace("\"lapin\"", "").contains("lapin")).map(str::to_owned)
    };
    assert!(inside.iter().any(|(_, text)| names(text).is_some()), "it is spoken to elsewhere");
    for (file, text) in outside.into_iter().filter(|(file, _)| Path::new(file) != fake) {
        assert_eq!(names(&text), None, "{file} names what carries AMQP");
    }
}

/// A panic is logged, and a simulation can kill and freeze all that a replica does. A courier is a process of its own.
#[test]
fn tasks_begin_in_one_place() {
    let places = ["task.rs", "task", "courier", "controller/runner"];
    let is_elsewhere = |file: &String| !stands_in(file, &places) && !stands_in(file, &FOR_TESTS);
    for (file, text) in sources(root()).into_iter().filter(|(file, _)| is_elsewhere(file)) {
        for begins in ["tokio::spawn", "tokio::task::spawn(", "JoinSet"] {
            assert!(!code(&text).contains(begins), "{file} names {begins}");
        }
    }
}

/// A simulation gives each replica a clock of its own. A courier is a process of its own.
#[test]
fn the_wall_clock_is_read_in_one_place() {
    let is_elsewhere = |file: &String| !stands_in(file, &["clock.rs", "courier"]);
    for (file, text) in sources(root()).into_iter().filter(|(file, _)| is_elsewhere(file)) {
        for reads in ["Timestamp::now", "Zoned::now", "SystemTime::now"] {
            assert!(!code(&text).contains(reads), "{file} names {reads}");
        }
    }
}

/// What one seed decides can be repeated. Keys and nonces come from the system, and decide nothing.
#[test]
fn chance_has_one_source() {
    let is_elsewhere =
        |file: &String| !stands_in(file, &["operator/start.rs", "gateway/create.rs", "gateway/delay.rs"]);
    for (file, text) in sources(root()).into_iter().filter(|(file, _)| is_elsewhere(file)) {
        for draws in ["getrandom", " rand::", "RandomState", "Rng::"] {
            assert!(!code(&text).contains(draws), "{file} names {draws}");
        }
    }
}

/// A reader who meets a name knows which type it is.
#[test]
fn a_type_name_has_one_meaning() {
    // The private content of each type of the transport: read in its own file alone.
    const PRIVATE: [&str; 1] = ["Inner"];
    let mut declared = BTreeMap::new();
    for (file, text) in sources(root()).into_iter().filter(|(file, _)| !stands_in(file, &FOR_TESTS)) {
        for name in TypeNames::of(&text).0 {
            let other = declared.insert(name.clone(), file.clone());
            assert!(other.is_none() || PRIVATE.contains(&name.as_str()), "{name} is in {file} and {other:?}");
        }
    }
    assert!(declared.len() > 300, "the source is not read");
}

#[test]
fn no_file_is_too_long_to_read() {
    for (file, text) in sources(root()) {
        let lines = code(&text).lines().count();
        assert!(lines <= 500, "{file} has {lines} lines: split it by concept");
    }
}
