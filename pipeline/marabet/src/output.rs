//! What a command says: text for a person, or one JSON object.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

/// An answer in both forms.
pub(crate) trait Answer: Serialize {
    /// Writes it for a person.
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()>;
}

/// Says the answer on standard output.
///
/// A reader that has gone away (`| head`) ends the answer quietly.
pub(crate) fn say(answer: &impl Answer, json: bool) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let written = if json {
        serde_json::to_writer(&mut out, answer)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(out))
    } else {
        answer.write_text(&mut out)
    };
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Whether a person is looking at standard error, where progress is shown.
pub(crate) fn person_is_looking() -> bool {
    io::stderr().is_terminal()
}

/// A share as per cent with its sign: `+3.20 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:+.2} %", share * 100.0)
}

/// A value that may be missing.
pub(crate) fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "–".to_owned())
}

/// Thousands apart: `23,456`.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_stand_apart() {
        let shown = [0, 12, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "12", "999", "1,000", "1,234,567"]);
    }
}
