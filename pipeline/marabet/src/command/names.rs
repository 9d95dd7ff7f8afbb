//! `marabet names`: what is asked about names, and the answers.

use std::io::{self, Write};

use marabet_ingest::names::Names;
use marabet_ingest::names::record::{Question, Written};
use marabet_schemas::Source as SourceName;
use serde::Serialize;

use crate::cli::NamesCommand;
use crate::config::Config;
use crate::failure::NotThere;
use crate::line::open;
use crate::output::{Answer, say};
use crate::sources;

pub(super) fn execute(command: &NamesCommand, config: &Config, json: bool) -> anyhow::Result<()> {
    let names = sources::names(&config.log.folder)?;
    match command {
        NamesCommand::Review => say(&Review::of(&names), json),
        NamesCommand::Merge { name, side, source } => {
            let written = find(&names, name, source.as_deref())?;
            let side = match (side, names.questions().iter().find(|q| q.written == written)) {
                (Some(side), _) => side.clone(),
                (None, Some(question)) => likeliest(question)?,
                (None, None) => {
                    return Err(NotThere(format!(
                        "nothing is asked about `{name}`; say with which side it is one"
                    ))
                    .into());
                }
            };
            names.answer(written.clone(), &side, open::now())?;
            say(&Said { written, side }, json)
        }
        NamesCommand::Split { name, into, source } => {
            let written = find(&names, name, source.as_deref())?;
            let side = into.clone().unwrap_or_else(|| written.name.to_string());
            names.answer(written.clone(), &side, open::now())?;
            say(&Said { written, side }, json)
        }
    }
}

fn likeliest(question: &Question) -> anyhow::Result<String> {
    match question.candidates.first() {
        Some(candidate) => Ok(candidate.side.to_string()),
        None => Err(NotThere(format!(
            "nothing is like `{}`; say with which side it is one",
            question.written.name
        ))
        .into()),
    }
}

/// The name as it is asked about or was decided: by its number in the review, or as it is written.
fn find(names: &Names, name: &str, source: Option<&str>) -> anyhow::Result<Written> {
    let questions = names.questions();
    if let Ok(number) = name.parse::<usize>()
        && let Some(question) = number.checked_sub(1).and_then(|at| questions.get(at))
    {
        return Ok(question.written.clone());
    }
    let decided = names.decisions();
    let all =
        questions.iter().map(|q| &q.written).chain(decided.iter().map(|(written, _)| written));
    let source = source.map(SourceName::new);
    let mut found: Vec<&Written> = all
        .filter(|written| written.name == name && source.as_ref().is_none_or(|s| *s == written.src))
        .collect();
    found.dedup();
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => {
            Err(NotThere(format!("no source calls a side `{name}`; see `marabet names review`"))
                .into())
        }
        several => {
            let sources: Vec<String> =
                several.iter().map(|w| format!("{} ({})", w.src, w.table)).collect();
            anyhow::bail!("`{name}` is a name of {}; say which with --of", sources.join(", "))
        }
    }
}

#[derive(Serialize)]
struct Review {
    questions: Vec<Question>,
}

impl Review {
    fn of(names: &Names) -> Self {
        Self { questions: names.questions() }
    }
}

impl Answer for Review {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.questions.is_empty() {
            return writeln!(out, "nothing is asked");
        }
        for (number, question) in (1..).zip(&self.questions) {
            let Written { src, table, name } = &question.written;
            writeln!(
                out,
                "{number:>3}  `{name}` of {src}, {} ({table}), in {}",
                question.competition, question.example
            )?;
            for candidate in &question.candidates {
                writeln!(out, "       {:.2}  {}", candidate.likeness, candidate.side)?;
            }
        }
        writeln!(
            out,
            "marabet names merge NUMBER [SIDE]   it is the first (or this) side\n\
             marabet names split NUMBER [AS]     it is a side of its own"
        )
    }
}

#[derive(Serialize)]
struct Said {
    written: Written,
    side: String,
}

impl Answer for Said {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Written { src, name, .. } = &self.written;
        writeln!(
            out,
            "`{name}` of {src} means {}; what waits for it goes out at its source's next look",
            self.side
        )
    }
}
