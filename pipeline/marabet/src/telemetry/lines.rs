//! The lines of the program's log: for people, or one JSON object a line; with the trace that they
//! belong to, where spans are collected.

use std::fmt;
use std::io::IsTerminal;

use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::identity::Identity;
use crate::cli::LogFormat;

/// The layer that writes them to standard error.
pub(super) fn layer<S>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
    match format {
        LogFormat::Human => {
            layer.map_event_format(|format| Traced(format.with_ansi(colours))).boxed()
        }
        LogFormat::Json => layer.json().map_event_format(Traced).boxed(),
    }
}

/// A form of lines, with the trace added.
struct Traced<F>(F);

impl<S, N, F> FormatEvent<S, N> for Traced<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let span = context.lookup_current();
        let identity = span.and_then(|span| span.extensions().get::<Identity>().copied());
        let Some(Identity { trace, span, .. }) = identity else {
            return self.0.format_event(context, writer, event);
        };
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        match line.strip_prefix('{') {
            Some(rest) => write!(writer, r#"{{"trace_id":"{trace}","span_id":"{span}",{rest}"#),
            None => writeln!(writer, "{} trace_id={trace} span_id={span}", line.trim_end()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use opentelemetry::{SpanId, TraceId};
    use tracing::span::{Attributes, Id};
    use tracing_subscriber::fmt::format::Format;
    use tracing_subscriber::layer::{Context, SubscriberExt};

    use super::*;

    /// Gives every span the same place.
    struct OnePlace;

    impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for OnePlace {
        fn on_new_span(&self, _: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
            let identity = Identity { trace: TraceId::from(7), span: SpanId::from(9), kept: true };
            context.span(id).unwrap().extensions_mut().insert(identity);
        }
    }

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn said<S>(layer: impl FnOnce(Written) -> S) -> Vec<String>
    where
        S: Subscriber + Send + Sync,
    {
        let written = Written::default();
        tracing::subscriber::with_default(layer(written.clone()), || {
            tracing::warn!("outside");
            tracing::warn_span!("work", stage = "predict").in_scope(|| tracing::warn!("inside"));
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_line_within_a_span_names_its_trace_in_either_form() {
        let place = || tracing_subscriber::registry().with(OnePlace);
        let json = said(|to| {
            let layer = tracing_subscriber::fmt::layer().with_writer(move || to.clone());
            place().with(layer.json().map_event_format(Traced))
        });
        let values: Vec<serde_json::Value> =
            json.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(values[0].get("trace_id"), None);
        assert_eq!(values[1]["trace_id"], "00000000000000000000000000000007");
        assert_eq!(values[1]["span_id"], "0000000000000009");
        assert_eq!(values[1]["span"]["stage"], "predict");
        let human = said(|to| {
            let layer = tracing_subscriber::fmt::layer().with_writer(move || to.clone());
            let layer = layer.with_ansi(false);
            place().with(layer.map_event_format(|format: Format| Traced(format.with_ansi(false))))
        });
        assert!(human[0].ends_with("outside"), "{human:?}");
        assert!(
            human[1]
                .ends_with("trace_id=00000000000000000000000000000007 span_id=0000000000000009")
        );
    }
}
