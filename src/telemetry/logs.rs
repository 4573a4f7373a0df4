//! Logs as JSON or text, on standard error.
//!
//! Guarantees: a line of JSON has each key once – the fields of the spans and of the event side by side, the event's own
//! first – no line has the password of an URI, and no program's words make a line of their own.

use std::{
    fmt,
    io::{self, Write},
};

use clap::ValueEnum;
use serde_json::{Map, Value};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::{JsonFields, Writer},
    },
    layer::SubscriberExt,
    registry::{LookupSpan, Scope},
    util::SubscriberInitExt,
};

use crate::clock::Clock;
use crate::text::{on_one_line, printable_json};
use crate::words::masked;

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Sends this process's logs to standard error: the operator's from `level` up, its libraries' warnings and errors.
pub(crate) fn init(format: Format, level: Level) {
    // lapin prints every message that comes back with its whole body, and every answer that is expected to be no; the
    // broker's side logs each transition itself. kube's HTTP layer prints a refusal without its request and its object; who
    // asked logs all three.
    let filter = Targets::new()
        .with_default(Level::WARN.min(level))
        .with_target("omotes_operator", level)
        .with_target("lapin", LevelFilter::OFF)
        .with_target("kube_client::client::builder", LevelFilter::OFF);
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer();
    match format {
        Format::Json => {
            let lines = lines.with_writer(|| Masked(io::stderr()));
            registry.with(lines.fmt_fields(JsonFields::new()).event_format(JsonLine)).init();
        }
        Format::Text => registry.with(lines.with_writer(|| OneLine(Masked(io::stderr())))).init(),
    }
}

/// A writer that masks passwords. It is given whole lines.
struct Masked<W>(W);

impl<W: Write> Write for Masked<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write_all(masked(&String::from_utf8_lossy(line)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A writer that is given the text of an event, and makes it one line, whatever a program put into it.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        self.0.write_all((on_one_line(text.trim_end_matches('\n')) + "\n").as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// An event as one JSON object.
struct JsonLine;

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut to: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            let extensions = span.extensions();
            let stored = extensions.get::<FormattedFields<N>>().map(|stored| stored.fields.as_str());
            fields.0.extend(stored.and_then(|json| serde_json::from_str::<Map<_, _>>(json).ok()).unwrap_or_default());
        }
        event.record(&mut fields);
        let metadata = event.metadata();
        // Last, so that no field takes the place of these.
        fields.put("timestamp", Clock::system().now().to_string());
        fields.put("level", metadata.level().to_string());
        fields.put("target", metadata.target());
        writeln!(to, "{}", printable_json(&Value::Object(fields.0).to_string()))
    }
}

/// The fields of an event.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field.name(), format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        sync::{Arc, Mutex},
    };

    use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
    use tracing::{info_span, warn};

    use super::*;

    /// The keys of a JSON object, each of them once.
    struct DistinctKeys(BTreeSet<String>);

    impl<'de> Deserialize<'de> for DistinctKeys {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Once;
            impl<'de> Visitor<'de> for Once {
                type Value = DistinctKeys;

                fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                    formatter.write_str("an object")
                }

                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DistinctKeys, A::Error> {
                    let mut keys = BTreeSet::new();
                    while let Some((key, _)) = map.next_entry::<String, Value>()? {
                        assert!(keys.insert(key.clone()), "{key} is there twice");
                    }
                    Ok(DistinctKeys(keys))
                }
            }
            deserializer.deserialize_map(Once)
        }
    }

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_program_forges_no_line() {
        let buffer = Buffer::default();
        let to = buffer.clone();
        let layer = tracing_subscriber::fmt::layer().without_time().with_writer(move || OneLine(Masked(to.clone())));
        let forged = "bad\nWARN the operator: all is lost\u{1b}[2J";
        let log = || warn!(words = forged, "{forged}");
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let text = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
        assert_eq!((text.lines().count(), text.contains('\u{1b}')), (1, false), "{text}");
        assert_eq!(lines(|| warn!("{forged}")).len(), 1);
    }

    fn lines(log: impl FnOnce()) -> Vec<String> {
        let buffer = Buffer::default();
        let to = buffer.clone();
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(move || Masked(to.clone()))
            .fmt_fields(JsonFields::new())
            .event_format(JsonLine);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let text = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_line_has_each_key_once_and_names_its_job() {
        let lines = lines(|| {
            let _span = info_span!("job", namespace = "ns", name = "a", id = 7).entered();
            let _inner = info_span!("step", name = "b").entered();
            warn!(error = %"bad", level = "x", namespace = "other", "it \"failed\" at {}", "amqp://u:p@ss/w@h/v");
        });
        let line: Value = serde_json::from_str(&lines[0]).unwrap();
        let DistinctKeys(keys) = serde_json::from_str(&lines[0]).unwrap();
        let expected = ["error", "id", "level", "message", "name", "namespace", "target", "timestamp"];
        assert_eq!(keys.iter().map(String::as_str).collect::<Vec<_>>(), expected);
        assert_eq!((&line["namespace"], &line["name"], &line["level"]), (&"other".into(), &"b".into(), &"WARN".into()));
        assert_eq!(line["message"], r#"it "failed" at amqp://u:***@h/v"#);
    }
}
